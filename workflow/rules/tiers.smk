rule assign_tier:
    input:
        scores=SCORES,
        audit=needed_by_tier("exclude", "<results>/audit/pool.csv"),
        clusters=needed_by_tier("per_cluster", "<results>/audit/clusters.csv"),
        second_scores=needed_by_tier("round", SECOND_SCORES),
        first_round_tier=needed_by_tier("round", f"<results>/tiers/{taken_by_first_round()}.csv"),
    output:
        tier="<results>/tiers/{tier}.csv",
    log:
        "<logs>/assign_tier/{tier}.log",
    benchmark:
        "<benchmarks>/assign_tier/{tier}.jsonl"
    conda:
        ENVIRONMENT
    params:
        tiers=definitions_for,
        review=dict(file=REVIEW_FILE, conflicts=config["review"]["conflicts"]),
        touch=touch_of_review,
        code=code("assign_tier"),
    script:
        "../scripts/assign_tier.py"
