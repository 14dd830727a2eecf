rule compare:
    input:
        runs="<results>/runs.csv",
        scores=expand("{run}/scores.parquet", run=ALL_RUNS),
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
        statistics=config["statistics"],
        runs=RUNS.to_dict("records"),
        axes=matrix.order_axes(config["matrix"])[:-1],
        code=code("compare"),
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
    conda:
        ENVIRONMENT
    params:
        tested=dict(
            vary=config["comparisons"][0]["vary"],
            axes=matrix.order_axes(config["matrix"])[:-1],
            method=config["statistics"]["p_adjustment"],
        ),
        code=code("model_interactions"),
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
    conda:
        ENVIRONMENT
    params:
        schedule=dict(config["evaluation"]["nights"]),
        axes=matrix.order_axes(config["matrix"])[:-1],
        code=code("tabulate_nights"),
    script:
        "../scripts/tabulate_nights.py"
