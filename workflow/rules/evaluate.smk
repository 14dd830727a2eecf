# One job scores all seeds of an arm, because importing torch takes ten times as long as scoring the files of a run.
rule evaluate:
    input:
        **plan.test_inputs,
        models=plan.runs.seed_files("model.safetensors"),
        validation_scores=plan.runs.seed_files("validation_scores.parquet"),
        training_sets=plan.runs.seed_files("training_set.parquet") if plan.shards.has_test_pool else [],
    output:
        scores=plan.runs.seed_files("scores.parquet"),
    log:
        "<logs>/evaluate/<arm>.log",
    benchmark:
        "<benchmarks>/evaluate/<arm>.jsonl"
    conda:
        ENVIRONMENT
    resources:
        gpu=GPUS,
        device=DEVICE,
    params:
        model_input=plan.model_input,
        code=fingerprint("evaluate"),
    script:
        "../scripts/evaluate.py"


rule collect_runs:
    input:
        scores=plan.runs.files("scores.parquet"),
        models=plan.runs.files("model.json"),
        split_rules_hold="<results>/inputs/recordings.parquet",
    output:
        runs=report("<results>/runs.csv", caption="../report/runs.rst", category="Tables"),
        breakdown="<results>/breakdown.csv",
    log:
        "<logs>/collect_runs.log",
    benchmark:
        "<benchmarks>/collect_runs.jsonl"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        measures=plan.settings("evaluation", "precision", "calibration_bins"),
        threshold=plan.settings("evaluation/threshold", "rule", "value", "prevalence"),
        runs=plan.runs.table,
        code=fingerprint("collect_runs"),
    script:
        "../scripts/collect_runs.py"
