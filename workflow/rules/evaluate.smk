rule evaluate:
    input:
        model=f"{RUN}/model.safetensors",
        validation_scores=f"{RUN}/validation_scores.parquet",
        recordings="<results>/inputs/labelled.parquet",
        index=f"{FEATURES}/labelled.parquet",
    output:
        scores=f"{RUN}/scores.parquet",
        metrics=f"{RUN}/metrics.csv",
        breakdown=f"{RUN}/breakdown.csv",
    log:
        f"<logs>/evaluate/{RUNS.wildcard_pattern}.log",
    benchmark:
        f"<benchmarks>/evaluate/{RUNS.wildcard_pattern}.jsonl"
    conda:
        ENVIRONMENT
    resources:
        gpu=GPUS,
        device=DEVICE,
    params:
        input=MODEL_INPUT,
        measures={key: config["evaluation"][key] for key in ("precision", "calibration_bins")},
        code=code("evaluate"),
    script:
        "../scripts/evaluate.py"


rule collect_runs:
    input:
        metrics=expand("{run}/metrics.csv", run=ALL_RUNS),
        breakdowns=expand("{run}/breakdown.csv", run=ALL_RUNS),
        models=expand("{run}/model.json", run=ALL_RUNS),
        split_rules_hold="<results>/inputs/recordings.parquet",
    output:
        runs=report("<results>/runs.csv", caption="../report/runs.rst", category="Tables"),
        breakdown="<results>/breakdown.csv",
    log:
        "<logs>/collect_runs.log",
    benchmark:
        "<benchmarks>/collect_runs.jsonl"
    conda:
        ENVIRONMENT
    params:
        runs=RUNS.to_dict("records"),
        code=code("collect_runs"),
    script:
        "../scripts/collect_runs.py"
