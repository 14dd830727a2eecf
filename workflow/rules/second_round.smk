# Included by mine.smk, whose rules it reuses.


use rule train_mining_model as train_second_model with:
    input:
        labelled="<results>/inputs/labelled.parquet",
        positives=f"<results>/positives/{plan.mining.second_round.positive_subset}.csv",
        index="<features>/labelled.parquet",
        tier=plan.mining.first_round_tier,
        pool_index="<features>/pool.parquet",
        window_scores=plan.second_round_window_scores,
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
        run=dict(
            positive_subset=plan.mining.second_round.positive_subset,
            negative_tier=plan.mining.second_round.negative_tier,
            validation="holdout",
        ),
        seed=plan.mining.second_round.seed,
        training=plan.mining.training,
        model_input=plan.model_input,
        aggregation=plan.tiers.window_aggregation(plan.mining.second_round.negative_tier),
        leave_out_empty=False,
        code=fingerprint("train"),


use rule score_shard as score_shard_again with:
    input:
        model="<results>/mining/second/model.safetensors",
        array="<features>/{shard}.npy",
        index="<features>/{shard}.parquet",
    output:
        windows="<results>/mining/second/shards/{shard}.parquet",
    log:
        "<logs>/score_shard_again/{shard}.log",
    benchmark:
        "<benchmarks>/score_shard_again/{shard}.jsonl"


use rule rank_pool as rank_remaining with:
    input:
        shards=expand("<results>/mining/second/shards/{shard}.parquet", shard=plan.shards.names("pool")),
        recordings="<results>/inputs/pool.parquet",
        first_round_tier=plan.mining.first_round_tier,
    output:
        scores=plan.mining.second_scores,
        held_out="<results>/mining/second/held_out.parquet",
        windows="<results>/mining/second/windows.parquet",
    log:
        "<logs>/rank_remaining.log",
    benchmark:
        "<benchmarks>/rank_remaining.jsonl"


rule compare_rounds:
    input:
        first="<scores>",
        second=plan.mining.second_scores,
        first_round_tier=plan.mining.first_round_tier,
    output:
        comparison="<results>/mining/second/comparison.csv",
    log:
        "<logs>/compare_rounds.log",
    benchmark:
        "<benchmarks>/compare_rounds.jsonl"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        thresholds=plan.tiers.counted_confidences,
        code=fingerprint("compare_rounds"),
    script:
        "../scripts/compare_rounds.py"
