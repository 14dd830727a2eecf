rule cross_fit:
    input:
        labelled="<results>/inputs/labelled.parquet",
        index="<features>/labelled.parquet",
        scores="<scores>",
        pool_index="<features>/pool.parquet",
        earlier=lambda wildcards: plan.audit.locate_scores_before(int(wildcards.number)),
    output:
        scores="<results>/audit/passes/{number}.parquet",
    log:
        "<logs>/cross_fit/{number}.log",
    benchmark:
        "<benchmarks>/cross_fit/{number}.jsonl"
    conda:
        ENVIRONMENT
    threads: 1 if GPUS else config["audit"]["folds"]
    resources:
        gpu=GPUS,
        device=DEVICE,
    params:
        settings=lambda wildcards: plan.audit.collect_pass_settings(int(wildcards.number)),
        percentile=config["audit"].get("cross_fit_percentile"),
        code=fingerprint("cross_fit"),
    script:
        "../scripts/cross_fit.py"


rule find_near_duplicates:
    input:
        labelled="<results>/inputs/labelled.parquet",
        index="<features>/labelled.parquet",
        scores="<scores>",
        pool_index="<features>/pool.parquet",
        pool="<results>/inputs/pool.parquet",
    output:
        near_duplicates="<results>/audit/near_duplicates.parquet",
    log:
        "<logs>/find_near_duplicates.log",
    benchmark:
        "<benchmarks>/find_near_duplicates.jsonl"
    conda:
        ENVIRONMENT
    params:
        pool_files=config["audit"]["pool_files"],
        min_similarity=config["audit"]["min_similarity"],
        code=fingerprint("find_near_duplicates"),
    script:
        "../scripts/find_near_duplicates.py"


rule audit:
    input:
        scores="<scores>",
        recordings="<results>/inputs/pool.parquet",
        passes=plan.audit.last_scores,
        near_duplicates="<results>/audit/near_duplicates.parquet",
    output:
        audit="<results>/audit/pool.csv",
        reliability="<results>/audit/reliability.csv",
    log:
        "<logs>/audit.log",
    benchmark:
        "<benchmarks>/audit.jsonl"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        percentile=config["audit"].get("cross_fit_percentile"),
        exclude_suspected=config["audit"]["exclude_suspected"],
        thresholds=plan.settings(
            "audit",
            "silent_peak_db",
            "clipped_share",
            "dc_offset",
            "dropout_share",
            "one_model_confidence",
        ),
        code=fingerprint("audit"),
    script:
        "../scripts/audit.py"


rule cluster_pool:
    input:
        scores="<scores>",
        pool_index="<features>/pool.parquet",
        windows=plan.mining.ranking_windows,
        recordings="<results>/inputs/pool.parquet",
    output:
        clusters="<results>/audit/clusters.csv",
        held_out="<results>/audit/test_pool_clusters.csv",
    log:
        "<logs>/cluster_pool.log",
    benchmark:
        "<benchmarks>/cluster_pool.jsonl"
    conda:
        ENVIRONMENT
    params:
        clusters=plan.settings("clusters", "count", "seed"),
        code=fingerprint("cluster_pool"),
    script:
        "../scripts/cluster_pool.py"
