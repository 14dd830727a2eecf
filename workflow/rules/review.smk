rule cut_clips:
    input:
        scores="<scores>",
        audit="<results>/audit/pool.csv",
    output:
        clips=directory("<results>/review/clips"),
        clip_table="<results>/review/clips.parquet",
        candidates="<results>/review/candidates.parquet",
    log:
        "<logs>/cut_clips.log",
    benchmark:
        "<benchmarks>/cut_clips.jsonl"
    conda:
        ENVIRONMENT
    threads: 16
    params:
        tiers={name: dict(tier) for name, tier in config["negative_tiers"].items()},
        max_files=config["review"]["candidates"],
        clips=plan.clips,
        code=fingerprint("cut_clips"),
    script:
        "../scripts/cut_clips.py"


rule write_review:
    input:
        clips="<results>/review/clips",
        clip_table="<results>/review/clips.parquet",
        candidates="<results>/review/candidates.parquet",
        answers=plan.review.inputs,
    output:
        page="<results>/review/index.html",
    log:
        "<logs>/write_review.log",
    benchmark:
        "<benchmarks>/write_review.jsonl"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        review=dict(path=plan.review.path, matches=plan.review.matches),
        settings=dict(
            target=config["target"],
            generated="generated" in config,
            top_hz=plan.top_hz,
            embed_mb=config["review"]["embed_mb"],
        ),
        page=fingerprint_files("review/review.*"),
        code=fingerprint("write_review"),
    script:
        "../scripts/write_review.py"


rule review:
    input:
        "<results>/review/index.html",
