rule compare:
    input:
        runs="<results>/runs.csv",
    output:
        deltas=report("<results>/deltas.csv", caption="../report/deltas.rst", category="Tables"),
    params:
        comparisons=config["comparisons"],
        axes=matrix.axes_of(config["matrix"])[:-1],
        code=code("compare"),
    log:
        "<logs>/compare.log",
    benchmark:
        "<benchmarks>/compare.jsonl"
    conda:
        ENVIRONMENT
    script:
        "../scripts/compare.py"
