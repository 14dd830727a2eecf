# On request: `snakemake verify`. Without an output, it runs each time, and it makes no missing result again.
rule verify:
    log:
        "<logs>/verify.log",
    conda:
        ENVIRONMENT
    threads: 16
    params:
        results=config["pathvars"]["results"],
        code=fingerprint("verify"),
    script:
        "../scripts/verify.py"
