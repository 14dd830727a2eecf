CHECKPOINTS = {
    name: "<results>/mining/trained/model.safetensors" if model.kind == "trained" else model.path
    for name, model in MODELS.items()
    if model.kind in ("trained", "checkpoint")
}


rule score_shard:
    input:
        model=lambda wildcards: CHECKPOINTS[wildcards.model],
        array=f"{FEATURES}/{{shard}}.npy",
        index=f"{FEATURES}/{{shard}}.parquet",
    output:
        windows="<results>/mining/{model}/shards/{shard}.parquet",
    log:
        "<logs>/score_shard/{model}/{shard}.log",
    benchmark:
        "<benchmarks>/score_shard/{model}/{shard}.jsonl"
    wildcard_constraints:
        model=one_of(CHECKPOINTS),
    conda:
        ENVIRONMENT
    threads: 1 if GPUS else 16
    resources:
        gpu=GPUS,
        device=DEVICE,
    params:
        input=MODEL_INPUT,
        code=code("score_shard"),
    script:
        "../scripts/score_shard.py"


rule rank_pool:
    input:
        shards=expand("<results>/mining/{{model}}/shards/{shard}.parquet", shard=SHARDS["pool"]),
        recordings="<results>/inputs/pool.parquet",
    output:
        scores="<results>/mining/{model}/scores.parquet",
        windows="<results>/mining/{model}/windows.parquet",
    log:
        "<logs>/rank_pool/{model}.log",
    benchmark:
        "<benchmarks>/rank_pool/{model}.jsonl"
    wildcard_constraints:
        model=one_of(name for name, model in MODELS.items() if model.kind != "detections"),
    conda:
        ENVIRONMENT
    params:
        code=code("rank_pool"),
    script:
        "../scripts/rank_pool.py"


rule combine_scores:
    input:
        windows=expand("<results>/mining/{model}/windows.parquet", model=MODELS),
        recordings="<results>/inputs/pool.parquet",
    output:
        scores="<results>/mining/scores.parquet",
    log:
        "<logs>/combine_scores.log",
    benchmark:
        "<benchmarks>/combine_scores.jsonl"
    conda:
        ENVIRONMENT
    params:
        models=list(MODELS),
        code=code("combine_scores"),
    script:
        "../scripts/combine_scores.py"


rule rank_positives:
    input:
        model=CHECKPOINTS.get(FIRST, []),
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
            review_table.positives(ANSWERS, DECISIONS) if with_reviewed(wildcards.positive_subset) else []
        ),
        code=code("select_positives"),
    script:
        "../scripts/select_positives.py"
