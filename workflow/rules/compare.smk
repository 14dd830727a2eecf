rule compare:
    input:
        runs="<results>/runs.csv",
        scores=plan.runs.files("scores.parquet"),
    output:
        deltas=report("<results>/deltas.csv", caption="../report/deltas.rst", category="Tables"),
        pairs="<results>/pairs.csv",
    log:
        "<logs>/compare.log",
    benchmark:
        "<benchmarks>/compare.jsonl"
    conda:
        ENVIRONMENT
    params:
        comparisons=config["comparisons"],
        statistics=plan.settings("statistics", "alpha", "p_adjustment", "power", "resamples", "effects_of_interest"),
        runs=plan.runs.table,
        axes=plan.runs.axes,
        code=fingerprint("compare"),
    script:
        "../scripts/compare.py"


rule model_interactions:
    input:
        runs="<results>/runs.csv",
    output:
        interactions="<results>/interactions.csv",
    log:
        "<logs>/model_interactions.log",
    benchmark:
        "<benchmarks>/model_interactions.jsonl"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        settings=dict(
            vary=config["comparisons"][0]["vary"],
            axes=plan.runs.axes,
            p_adjustment=config["statistics"]["p_adjustment"],
        ),
        code=fingerprint("model_interactions"),
    script:
        "../scripts/model_interactions.py"


rule tabulate_nights:
    input:
        runs="<results>/runs.csv",
    output:
        nights="<results>/nights.csv",
    log:
        "<logs>/tabulate_nights.log",
    benchmark:
        "<benchmarks>/tabulate_nights.jsonl"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        schedule=plan.settings("evaluation/nights", "files_per_night", "calling_files", "review_s"),
        axes=plan.runs.axes,
        code=fingerprint("tabulate_nights"),
    script:
        "../scripts/tabulate_nights.py"
