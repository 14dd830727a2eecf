# On request: `snakemake audit_trail`.
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
    localrule: True
    conda:
        ENVIRONMENT
    params:
        cells=config["audit_trail"],
        runs=plan.runs.table,
        folders=[plan.on_disk(folder) for folder in plan.runs.folders],
        metadata=".snakemake/metadata",
        code=fingerprint("trace_number"),
    script:
        "../scripts/trace_number.py"
