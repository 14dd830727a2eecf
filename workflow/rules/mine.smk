CHECKPOINT = (
    "<results>/mining/trained/model.safetensors"
    if DETECTOR == "trained"
    else os.path.expanduser(config["mining"]["model"])
)


rule mine_shard:
    input:
        model=CHECKPOINT,
        array=f"{FEATURES}/{{shard}}.npy",
        index=f"{FEATURES}/{{shard}}.parquet",
    output:
        windows=f"<results>/mining/{DETECTOR}/shards/{{shard}}.parquet",
    log:
        "<logs>/mine_shard/{shard}.log",
    benchmark:
        "<benchmarks>/mine_shard/{shard}.jsonl"
    conda:
        ENVIRONMENT
    threads: min(16, workflow.cores)
    resources:
        gpu=GPUS,
        device=DEVICE,
    params:
        input=MODEL_INPUT,
        code=code("mine_shard"),
    script:
        "../scripts/mine_shard.py"


rule rank_pool:
    input:
        shards=expand(f"<results>/mining/{DETECTOR}/shards/{{shard}}.parquet", shard=SHARDS["pool"]),
        recordings="<results>/inputs/pool.parquet",
    output:
        scores=f"<results>/mining/{DETECTOR}/scores.parquet",
        windows=f"<results>/mining/{DETECTOR}/windows.parquet",
    log:
        "<logs>/rank_pool.log",
    benchmark:
        "<benchmarks>/rank_pool.jsonl"
    conda:
        ENVIRONMENT
    params:
        code=code("rank_pool"),
    script:
        "../scripts/rank_pool.py"


rule rank_positives:
    input:
        model=CHECKPOINT,
        recordings="<results>/inputs/labelled.parquet",
        index=f"{FEATURES}/labelled.parquet",
    output:
        ranking="<results>/positives/ranking.parquet",
    log:
        "<logs>/rank_positives.log",
    benchmark:
        "<benchmarks>/rank_positives.jsonl"
    conda:
        ENVIRONMENT
    resources:
        gpu=GPUS,
        device=DEVICE,
    params:
        input=MODEL_INPUT,
        code=code("rank_positives"),
    script:
        "../scripts/rank_positives.py"


rule select_positives:
    input:
        recordings="<results>/inputs/labelled.parquet",
        ranking=lambda wildcards: (
            "<results>/positives/ranking.parquet"
            if "add" in config["positive_subsets"].get(wildcards.positive_subset, {})
            else []
        ),
        pool=lambda wildcards: "<results>/inputs/pool.parquet" if with_reviewed(wildcards.positive_subset) else [],
    output:
        subset="<results>/positives/{positive_subset}.csv",
    log:
        "<logs>/select_positives/{positive_subset}.log",
    benchmark:
        "<benchmarks>/select_positives/{positive_subset}.jsonl"
    conda:
        ENVIRONMENT
    params:
        subset=lambda wildcards: {
            key: value
            for key, value in config["positive_subsets"][wildcards.positive_subset].items()
            if key != "reviewed"
        },
        reviewed=lambda wildcards: (
            review.positives(ANSWERS, DECISIONS) if with_reviewed(wildcards.positive_subset) else []
        ),
        code=code("select_positives"),
    script:
        "../scripts/select_positives.py"
