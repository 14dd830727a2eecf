# On demand: `snakemake audit_trail`.
rule audit_trail:
    input:
        "<results>/audit_trail.md",


rule trace_number:
    input:
        deltas="<results>/deltas.csv",
        pairs="<results>/pairs.csv",
        recordings="<results>/inputs/recordings.parquet",
    output:
        page=report("<results>/audit_trail.md", caption="../report/audit_trail.rst", category="Tables"),
    log:
        "<logs>/trace_number.log",
    benchmark:
        "<benchmarks>/trace_number.jsonl"
    conda:
        ENVIRONMENT
    params:
        wanted=config["audit_trail"],
        runs=RUNS.to_dict("records"),
        folders=[run.replace("<results>", RESULTS) for run in ALL_RUNS],
        metadata=".snakemake/metadata",
        code=code("trace_number"),
    script:
        "../scripts/trace_number.py"
