if plan.mining.ranking_kind == "classifier":

    rule classify_positives:
        input:
            model=plan.mining.model_path(plan.mining.ranking_model),
            labels=plan.mining.labels_path(plan.mining.ranking_model),
            recordings="<results>/inputs/labelled.parquet",
            index="<features>/labelled.parquet",
        output:
            ranking="<results>/positives/ranking.parquet",
        log:
            "<logs>/classify_positives.log",
        benchmark:
            "<benchmarks>/classify_positives.jsonl"
        conda:
            ENVIRONMENT
        threads: 16
        params:
            audio_root=plan.shards.audio_root,
            classifier=dict(
                label=plan.mining.models[plan.mining.ranking_model].label, sensitivity=config["mining"]["sensitivity"]
            ),
            code=fingerprint("classify_positives"),
        script:
            "../scripts/classify_positives.py"

elif plan.mining.ranking_kind in ("trained", "checkpoint"):

    rule rank_positives:
        input:
            model=plan.mining.model_path(plan.mining.ranking_model),
            recordings="<results>/inputs/labelled.parquet",
            index="<features>/labelled.parquet",
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
            model_input=plan.model_input,
            code=fingerprint("rank_positives"),
        script:
            "../scripts/rank_positives.py"


rule select_positives:
    input:
        unpack(lambda wildcards: plan.runs.positive_inputs(wildcards.positive_subset)),
    output:
        subset="<results>/positives/{positive_subset}.csv",
    log:
        "<logs>/select_positives/{positive_subset}.log",
    benchmark:
        "<benchmarks>/select_positives/{positive_subset}.jsonl"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        subset=lambda wildcards: plan.runs.selection(wildcards.positive_subset),
        reviewed=lambda wildcards: plan.reviewed_positives(wildcards.positive_subset),
        code=fingerprint("select_positives"),
    script:
        "../scripts/select_positives.py"
