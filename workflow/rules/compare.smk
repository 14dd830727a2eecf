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
        axes=matrix.axes_of(config["matrix"])[:-1],
        code=code("compare"),
    script:
        "../scripts/compare.py"
