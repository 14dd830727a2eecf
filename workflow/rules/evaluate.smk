# One job scores all seeds of an arm, because importing torch takes ten times as long as scoring the files of a run.
rule evaluate:
    input:
        **plan.test_inputs,
        models=plan.runs.seed_files("model.safetensors"),
        validation_scores=plan.runs.seed_files("validation_scores.parquet"),
        training_sets=plan.runs.seed_files("training_set.parquet") if plan.shards.has_test_pool else [],
    output:
        scores=plan.runs.seed_files("scores.parquet"),
        window_scores=plan.runs.seed_files("window_scores.parquet") if plan.shards.has_stretches else [],
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


if plan.runs.added_seeds:

    # Seeds that were added to some arms only are scored one by one.
    use rule evaluate as evaluate_added with:
        input:
            **plan.test_inputs,
            models=["<run>/model.safetensors"],
            validation_scores=["<run>/validation_scores.parquet"],
            training_sets=["<run>/training_set.parquet"] if plan.shards.has_test_pool else [],
        output:
            scores=[plan.runs.added_file("scores.parquet")],
            window_scores=[plan.runs.added_file("window_scores.parquet")] if plan.shards.has_stretches else [],
        log:
            "<logs>/evaluate/<axes>.log",
        benchmark:
            "<benchmarks>/evaluate/<axes>.jsonl"


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


if plan.shards.has_stretches:

    rule measure_calls:
        input:
            runs="<results>/runs.csv",
            window_scores=plan.runs.files("window_scores.parquet"),
            recordings="<results>/inputs/labelled.parquet",
        output:
            calls=report("<results>/calls.csv", caption="../report/calls.rst", category="Tables"),
        log:
            "<logs>/measure_calls.log",
        benchmark:
            "<benchmarks>/measure_calls.jsonl"
        localrule: True
        conda:
            ENVIRONMENT
        params:
            tolerance_s=config["annotations"]["tolerance_s"],
            runs=plan.runs.table,
            code=fingerprint("measure_calls"),
        script:
            "../scripts/measure_calls.py"
