# What the mined files sound like, where the features are BirdNET's from its package, which has the labels too.
rule label_with_birdnet:
    input:
        scores=SCORES,
        index=f"{FEATURES}/pool.parquet",
        tiers=TIER_FILES,
    output:
        sounds="<results>/tiers/sounds/files.csv",
        counts=report("<results>/tiers/sounds/counts.csv", caption="../report/sounds.rst", category="Tables"),
    log:
        "<logs>/label_with_birdnet.log",
    benchmark:
        "<benchmarks>/label_with_birdnet.jsonl"
    conda:
        ENVIRONMENT
    params:
        tiers=[name for name in TIERS if not is_none(name)],
        package=BACKBONE_PACKAGE,
        code=code("label_with_birdnet"),
    script:
        "../scripts/label_with_birdnet.py"
