from hardneg.planning.configured_files import refuse_missing_files

try:
    refuse_missing_files(config)
except InputError as error:
    raise WorkflowError(str(error)) from None


rule compare_finished:
    input:
        runs=str(Path(config["finished_runs"]["table"]).expanduser()),
    output:
        deltas="<results>/published/deltas.csv",
    log:
        "<logs>/compare_finished.log",
    benchmark:
        "<benchmarks>/compare_finished.jsonl"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        columns={key: config["finished_runs"][key] for key in ("name", "seed", "axes", "splits")},
        groups=config["groups"],
        statistics={key: config["statistics"][key] for key in ("alpha", "p_adjustment")},
        code=fingerprint("compare_finished"),
    script:
        "../scripts/compare_finished.py"


rule judge_claims:
    input:
        deltas="<results>/published/deltas.csv",
    output:
        claims="<results>/published/claims.md",
        table="<results>/published/claims.csv",
    log:
        "<logs>/judge_claims.log",
    benchmark:
        "<benchmarks>/judge_claims.jsonl"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        claims=config["claims"],
        statistics={key: config["statistics"][key] for key in ("alpha", "p_adjustment", "power")},
        note=config["finished_runs"]["note"],
        code=fingerprint("judge_claims"),
    script:
        "../scripts/judge_claims.py"


rule published:
    input:
        "<results>/published/deltas.csv",
        "<results>/published/claims.md",
