# `snakemake mine` stops after mining, with a page about the pool.
rule mine:
    input:
        "<results>/mining/first_look.html",


rule write_first_look:
    input:
        scores="<scores>",
        recordings="<results>/inputs/labelled.parquet",
        validation=plan.mining.validation_scores,
        descriptions=plan.mining.trained_descriptions,
    output:
        page="<results>/mining/first_look.html",
        summary="<results>/mining/first_look.txt",
        problems="<results>/mining/first_look.json",
    log:
        "<logs>/write_first_look.log",
    benchmark:
        "<benchmarks>/write_first_look.jsonl"
    priority: 60
    localrule: True
    conda:
        ENVIRONMENT
    threads: 1  # more would wait until as many cores are free, while others train
    params:
        validated=plan.mining.validated,
        settings=dict(
            target=config["target"],
            generated="generated" in config,
            models=plan.mining.kinds,
            hardest=24,
        ),
        clips=plan.clips,
        page=fingerprint_files("review/first_look.*"),
        code=fingerprint("write_first_look"),
    script:
        "../scripts/write_first_look.py"


rule score_validation:
    input:
        model=lambda wildcards: plan.mining.model_path(wildcards.model),
        recordings="<results>/inputs/labelled.parquet",
        index="<features>/labelled.parquet",
    output:
        scores="<results>/mining/{model}/validation_scores.parquet",
    log:
        "<logs>/score_validation/{model}.log",
    benchmark:
        "<benchmarks>/score_validation/{model}.jsonl"
    wildcard_constraints:
        model=one_of(plan.mining.names("checkpoint")),
    priority: 50
    conda:
        ENVIRONMENT
    resources:
        gpu=GPUS,
        device=DEVICE,
    params:
        model_input=plan.model_input,
        code=fingerprint("score_validation"),
    script:
        "../scripts/score_validation.py"


rule classify_validation:
    input:
        model=lambda wildcards: plan.mining.model_path(wildcards.model),
        labels=lambda wildcards: plan.mining.labels_path(wildcards.model),
        recordings="<results>/inputs/labelled.parquet",
        index="<features>/labelled.parquet",
    output:
        scores="<results>/mining/{model}/validation_scores.parquet",
    log:
        "<logs>/classify_validation/{model}.log",
    benchmark:
        "<benchmarks>/classify_validation/{model}.jsonl"
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
        code=fingerprint("classify_validation"),
    script:
        "../scripts/classify_validation.py"
