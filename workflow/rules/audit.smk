rule cross_fit:
    input:
        labelled="<results>/inputs/labelled.parquet",
        index=f"{FEATURES}/labelled.parquet",
        scores=SCORES,
        pool_index=f"{FEATURES}/pool.parquet",
        earlier=lambda wildcards: folds_of(int(wildcards.number)),
    output:
        scores="<results>/audit/passes/{number}/{fold}.parquet",
    log:
        "<logs>/cross_fit/{number}/{fold}.log",
    benchmark:
        "<benchmarks>/cross_fit/{number}/{fold}.jsonl"
    conda:
        ENVIRONMENT
    resources:
        gpu=GPUS,
        device=DEVICE,
    params:
        fitted=lambda wildcards: dict(
            folds=config["audit"]["folds"],
            pool_files=config["audit"]["pool_files"],
            training=config["training"] | config["mining"]["training"] | config["audit"]["training"],
            seed=config["audit"]["seed"] + 1000 * int(wildcards.number),
        ),
        percentile=config["audit"]["cross_fit_percentile"],
        code=code("cross_fit"),
    script:
        "../scripts/cross_fit.py"


rule find_near_duplicates:
    input:
        labelled="<results>/inputs/labelled.parquet",
        index=f"{FEATURES}/labelled.parquet",
        scores=SCORES,
        pool_index=f"{FEATURES}/pool.parquet",
    output:
        copies="<results>/audit/copies.parquet",
    log:
        "<logs>/find_near_duplicates.log",
    benchmark:
        "<benchmarks>/find_near_duplicates.jsonl"
    conda:
        ENVIRONMENT
    params:
        pool_files=config["audit"]["pool_files"],
        min_similarity=config["audit"]["min_similarity"],
        code=code("find_near_duplicates"),
    script:
        "../scripts/find_near_duplicates.py"


rule audit:
    input:
        scores=SCORES,
        recordings="<results>/inputs/pool.parquet",
        folds=folds_of(config["audit"]["passes"]),
        copies="<results>/audit/copies.parquet",
        validation="<results>/mining/trained/validation_scores.parquet" if TRAINED_ALONE else [],
    output:
        audit="<results>/audit/pool.csv",
    log:
        "<logs>/audit.log",
    benchmark:
        "<benchmarks>/audit.jsonl"
    conda:
        ENVIRONMENT
    params:
        thresholds=AUDIT_THRESHOLDS,
        code=code("audit"),
    script:
        "../scripts/audit.py"


rule cluster_pool:
    input:
        scores=SCORES,
        pool_index=f"{FEATURES}/pool.parquet",
    output:
        clusters="<results>/audit/clusters.csv",
    log:
        "<logs>/cluster_pool.log",
    benchmark:
        "<benchmarks>/cluster_pool.jsonl"
    conda:
        ENVIRONMENT
    params:
        clusters=dict(config["clusters"]),
        code=code("cluster_pool"),
    script:
        "../scripts/cluster_pool.py"
