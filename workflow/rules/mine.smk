# These rules run before others that are ready, so that the first look at the pool comes early.
rule train_mining_model:
    input:
        labelled="<results>/inputs/labelled.parquet",
        positives=f"<results>/positives/{config['mining']['positive_subset']}.csv",
        index="<features>/labelled.parquet",
    output:
        weights="<results>/mining/{model}/model.safetensors",
        description="<results>/mining/{model}/model.json",
        history="<results>/mining/{model}/history.csv",
        validation_scores="<results>/mining/{model}/validation_scores.parquet",
        training_set="<results>/mining/{model}/training_set.parquet",
    log:
        "<logs>/train_mining_model/{model}.log",
    benchmark:
        "<benchmarks>/train_mining_model/{model}.jsonl"
    wildcard_constraints:
        model=one_of(plan.mining.names("trained")),
    priority: 50
    conda:
        ENVIRONMENT
    resources:
        gpu=GPUS,
        device=DEVICE,
    params:
        run=dict(positive_subset=config["mining"]["positive_subset"], negative_tier="none", validation="holdout"),
        seed=lambda wildcards: plan.mining.models[wildcards.model].seed,
        training=plan.mining.training,
        model_input=plan.model_input,
        aggregation="mean",
        leave_out_empty=False,
        code=fingerprint("train"),
    script:
        "../scripts/train.py"


rule score_shard:
    input:
        model=lambda wildcards: plan.mining.model_path(wildcards.model),
        array="<features>/{shard}.npy",
        index="<features>/{shard}.parquet",
    output:
        windows="<results>/mining/{model}/shards/{shard}.parquet",
    log:
        "<logs>/score_shard/{model}/{shard}.log",
    benchmark:
        "<benchmarks>/score_shard/{model}/{shard}.jsonl"
    wildcard_constraints:
        model=one_of(plan.mining.names("trained", "checkpoint")),
    priority: 50
    conda:
        ENVIRONMENT
    threads: 1  # shards are scored side by side; more would wait until as many cores are free, while others train
    resources:
        gpu=GPUS,
        device=DEVICE,
    params:
        model_input=plan.model_input,
        code=fingerprint("score_shard"),
    script:
        "../scripts/score_shard.py"


rule classify_shard:
    input:
        model=lambda wildcards: plan.mining.model_path(wildcards.model),
        labels=lambda wildcards: plan.mining.labels_path(wildcards.model),
        checked="<store>/inputs/shards/{shard}.parquet",
        index="<features>/{shard}.parquet",
    output:
        windows="<results>/mining/{model}/shards/{shard}.parquet",
    log:
        "<logs>/classify_shard/{model}/{shard}.log",
    benchmark:
        "<benchmarks>/classify_shard/{model}/{shard}.jsonl"
    wildcard_constraints:
        model=one_of(plan.mining.names("classifier")),
    priority: 50
    conda:
        ENVIRONMENT
    threads: 16
    params:
        audio_root=plan.shards.audio_root,
        classifier=lambda wildcards: dict(
            label=plan.mining.models[wildcards.model].label, sensitivity=config["mining"]["sensitivity"]
        ),
        code=fingerprint("classify_shard"),
    script:
        "../scripts/classify_shard.py"


rule score_detections:
    input:
        tables=lambda wildcards: plan.mining.detections[wildcards.model],
        index="<features>/pool.parquet",
        recordings="<results>/inputs/pool.parquet",
        # Paths are matched with all recordings of the manifest, so that none is given to another file of its name.
        checked=expand("<results>/inputs/{part}_checked.parquet", part=["labelled", "pool"]),
    output:
        scores="<results>/mining/{model}/scores.parquet",
        held_out="<results>/mining/{model}/held_out.parquet",
        windows="<results>/mining/{model}/windows.parquet",
        matching="<results>/mining/{model}/matching.csv",
    log:
        "<logs>/score_detections/{model}.log",
    benchmark:
        "<benchmarks>/score_detections/{model}.jsonl"
    wildcard_constraints:
        model=one_of(plan.mining.names("detections")),
    priority: 50
    conda:
        ENVIRONMENT
    params:
        matching=lambda wildcards: plan.mining.matching_settings(wildcards.model),
        code=fingerprint("score_detections"),
    script:
        "../scripts/score_detections.py"


rule rank_pool:
    input:
        shards=expand("<results>/mining/{{model}}/shards/{shard}.parquet", shard=plan.shards.names("pool")),
        recordings="<results>/inputs/pool.parquet",
    output:
        scores="<results>/mining/{model}/scores.parquet",
        held_out="<results>/mining/{model}/held_out.parquet",
        windows="<results>/mining/{model}/windows.parquet",
    log:
        "<logs>/rank_pool/{model}.log",
    benchmark:
        "<benchmarks>/rank_pool/{model}.jsonl"
    wildcard_constraints:
        model=one_of(plan.mining.names("trained", "checkpoint", "classifier")),
    priority: 50
    conda:
        ENVIRONMENT
    params:
        code=fingerprint("rank_pool"),
    script:
        "../scripts/rank_pool.py"


rule combine_scores:
    input:
        windows=expand("<results>/mining/{model}/windows.parquet", model=plan.mining.models),
        recordings="<results>/inputs/pool.parquet",
    output:
        scores="<results>/mining/scores.parquet",
        held_out="<results>/mining/held_out.parquet",
    log:
        "<logs>/combine_scores.log",
    benchmark:
        "<benchmarks>/combine_scores.jsonl"
    priority: 50
    conda:
        ENVIRONMENT
    params:
        models=list(plan.mining.models),
        code=fingerprint("combine_scores"),
    script:
        "../scripts/combine_scores.py"


if plan.mining.second_round:

    # Included here because its rules reuse the rules above.
    include: "second_round.smk"
