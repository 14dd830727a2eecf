# What the mined files sound like, where the features are BirdNET's from its package, which has the labels too.
rule name_sounds:
    input:
        scores=SCORES,
        index=f"{FEATURES}/pool.parquet",
        tiers=TIER_FILES,
    output:
        sounds="<results>/tiers/sounds/files.csv",
        counts=report("<results>/tiers/sounds/counts.csv", caption="../report/sounds.rst", category="Tables"),
    log:
        "<logs>/name_sounds.log",
    benchmark:
        "<benchmarks>/name_sounds.jsonl"
    conda:
        ENVIRONMENT
    params:
        tiers=[name for name in TIERS if not is_none(name)],
        package=BACKBONE_PACKAGE,
        code=code("name_sounds"),
    script:
        "../scripts/name_sounds.py"
