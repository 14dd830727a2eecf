AGAIN = second_round.resolve_settings(config)
TAKEN = f"<results>/tiers/{AGAIN.negative_tier}.csv"


use rule train_mining_model as train_second_model with:
    input:
        labelled="<results>/inputs/labelled.parquet",
        positives=f"<results>/positives/{AGAIN.positive_subset}.csv",
        index=f"{FEATURES}/labelled.parquet",
        tier=TAKEN,
        pool_index=f"{FEATURES}/pool.parquet",
    output:
        weights="<results>/mining/second/model.safetensors",
        description="<results>/mining/second/model.json",
        history="<results>/mining/second/history.csv",
        validation_scores="<results>/mining/second/validation_scores.parquet",
        training_set="<results>/mining/second/training_set.parquet",
    log:
        "<logs>/train_second_model.log",
    benchmark:
        "<benchmarks>/train_second_model.jsonl"
    params:
        run=dict(positive_subset=AGAIN.positive_subset, negative_tier=AGAIN.negative_tier, validation="holdout"),
        seed=AGAIN.seed,
        training=config["training"] | config["mining"]["training"],
        input=MODEL_INPUT,
        code=code("train"),


use rule score_shard as score_shard_again with:
    input:
        model="<results>/mining/second/model.safetensors",
        array=f"{FEATURES}/{{shard}}.npy",
        index=f"{FEATURES}/{{shard}}.parquet",
    output:
        windows="<results>/mining/second/shards/{shard}.parquet",
    log:
        "<logs>/score_shard_again/{shard}.log",
    benchmark:
        "<benchmarks>/score_shard_again/{shard}.jsonl"


use rule rank_pool as rank_remaining with:
    input:
        shards=expand("<results>/mining/second/shards/{shard}.parquet", shard=SHARDS["pool"]),
        recordings="<results>/inputs/pool.parquet",
        first_round_tier=TAKEN,
    output:
        scores=SECOND_SCORES,
        windows="<results>/mining/second/windows.parquet",
    log:
        "<logs>/rank_remaining.log",
    benchmark:
        "<benchmarks>/rank_remaining.jsonl"


rule compare_rounds:
    input:
        first=SCORES,
        second=SECOND_SCORES,
        first_round_tier=TAKEN,
    output:
        comparison="<results>/mining/second/comparison.csv",
    log:
        "<logs>/compare_rounds.log",
    benchmark:
        "<benchmarks>/compare_rounds.jsonl"
    conda:
        ENVIRONMENT
    params:
        thresholds=second_round.list_thresholds(config["negative_tiers"]),
        code=code("compare_rounds"),
    script:
        "../scripts/compare_rounds.py"
