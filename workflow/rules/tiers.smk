rule assign_tier:
    input:
        scores=f"<results>/mining/{DETECTOR}/scores.parquet",
        match=lambda wildcards: (
            "<results>/tiers/{match}.csv".format(**config["negative_tiers"][wildcards.tier])
            if "match" in config["negative_tiers"][wildcards.tier]
            else []
        ),
    output:
        tier="<results>/tiers/{tier}.csv",
    log:
        "<logs>/assign_tier/{tier}.log",
    benchmark:
        "<benchmarks>/assign_tier/{tier}.jsonl"
    conda:
        ENVIRONMENT
    params:
        tier=lambda wildcards: dict(config["negative_tiers"][wildcards.tier]),
        code=code("assign_tier"),
    script:
        "../scripts/assign_tier.py"
