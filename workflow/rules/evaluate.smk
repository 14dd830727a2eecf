rule evaluate:
    input:
        **plan.test_inputs,
        model="<run>/model.safetensors",
        validation_scores="<run>/validation_scores.parquet",
    output:
        scores="<run>/scores.parquet",
        metrics="<run>/metrics.csv",
        breakdown="<run>/breakdown.csv",
    log:
        "<logs>/evaluate/<axes>.log",
    benchmark:
        "<benchmarks>/evaluate/<axes>.jsonl"
    conda:
        ENVIRONMENT
    resources:
        gpu=GPUS,
        device=DEVICE,
    params:
        model_input=plan.model_input,
        measures=plan.settings("evaluation", "precision", "calibration_bins"),
        threshold=plan.settings("evaluation/threshold", "rule", "value", "prevalence"),
        code=fingerprint("evaluate"),
    script:
        "../scripts/evaluate.py"


rule collect_runs:
    input:
        metrics=plan.runs.files("metrics.csv"),
        breakdowns=plan.runs.files("breakdown.csv"),
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
        runs=plan.runs.table,
        code=fingerprint("collect_runs"),
    script:
        "../scripts/collect_runs.py"
