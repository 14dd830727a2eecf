rule compare:
    input:
        runs="<results>/runs.csv",
    output:
        deltas=report("<results>/deltas.csv", caption="../report/deltas.rst", category="Tables"),
    log:
        "<logs>/compare.log",
    benchmark:
        "<benchmarks>/compare.jsonl"
    conda:
        ENVIRONMENT
    params:
        comparisons=config["comparisons"],
        axes=matrix.axes_of(config["matrix"])[:-1],
        code=code("compare"),
    script:
        "../scripts/compare.py"
