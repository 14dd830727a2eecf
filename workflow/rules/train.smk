rule select_background:
    input:
        pool_index="<features>/pool.parquet",
        tiers=plan.tiers.all_mined_paths,
    output:
        background="<results>/background.parquet",
    log:
        "<logs>/select_background.log",
    benchmark:
        "<benchmarks>/select_background.jsonl"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        code=fingerprint("select_background"),
    script:
        "../scripts/select_background.py"


rule train:
    input:
        unpack(lambda wildcards: plan.runs.inputs(dict(wildcards))),
    output:
        weights="<run>/model.safetensors",
        description="<run>/model.json",
        history="<run>/history.csv",
        validation_scores="<run>/validation_scores.parquet",
        training_set="<run>/training_set.parquet",
    log:
        "<logs>/train/<axes>.log",
    benchmark:
        "<benchmarks>/train/<axes>.jsonl"
    conda:
        ENVIRONMENT
    resources:
        gpu=GPUS,
        device=DEVICE,
    params:
        run=lambda wildcards: dict(wildcards),
        seed=lambda wildcards: int(wildcards.seed),
        training=lambda wildcards: plan.runs.training(dict(wildcards)),
        model_input=plan.model_input,
        aggregation=lambda wildcards: plan.tiers.window_aggregation(wildcards.negative_tier),
        leave_out_empty=True,
        code=fingerprint("train"),
    script:
        "../scripts/train.py"
