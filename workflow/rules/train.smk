rule train_mining_model:
    input:
        labelled="<results>/inputs/labelled.parquet",
        positives=f"<results>/positives/{config['mining']['positive_subset']}.csv",
        index=f"{FEATURES}/labelled.parquet",
    output:
        weights="<results>/mining/trained/model.safetensors",
        description="<results>/mining/trained/model.json",
        history="<results>/mining/trained/history.csv",
        validation_scores="<results>/mining/trained/validation_scores.parquet",
        training_set="<results>/mining/trained/training_set.parquet",
    log:
        "<logs>/train_mining_model.log",
    benchmark:
        "<benchmarks>/train_mining_model.jsonl"
    conda:
        ENVIRONMENT
    resources:
        gpu=GPUS,
        device=DEVICE,
    params:
        run=dict(positive_subset=config["mining"]["positive_subset"], negative_tier="none", validation="holdout"),
        seed=config["mining"]["seed"],
        training=config["training"] | config["mining"]["training"],
        input=MODEL_INPUT,
        code=code("train"),
    script:
        "../scripts/train.py"


rule train:
    input:
        labelled="<results>/inputs/labelled.parquet",
        positives="<results>/positives/{positive_subset}.csv",
        index=f"{FEATURES}/labelled.parquet",
        tier=tier_of_run,
        pool_index=pool_index_of_run,
    output:
        weights=f"{RUN}/model.safetensors",
        description=f"{RUN}/model.json",
        history=f"{RUN}/history.csv",
        validation_scores=f"{RUN}/validation_scores.parquet",
        training_set=f"{RUN}/training_set.parquet",
    log:
        f"<logs>/train/{RUNS.wildcard_pattern}.log",
    benchmark:
        f"<benchmarks>/train/{RUNS.wildcard_pattern}.jsonl"
    conda:
        ENVIRONMENT
    resources:
        gpu=GPUS,
        device=DEVICE,
    params:
        run=lambda wildcards: dict(wildcards),
        seed=lambda wildcards: int(wildcards.seed),
        training=lambda wildcards: matrix.resolve_training(config["matrix"], config["training"], dict(wildcards)),
        input=MODEL_INPUT,
        code=code("train"),
    script:
        "../scripts/train.py"
