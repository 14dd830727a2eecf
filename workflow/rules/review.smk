rule cut_clips:
    input:
        scores=SCORES,
        audit="<results>/audit/pool.csv",
    output:
        clips=directory("<results>/review/clips"),
        listed="<results>/review/clips.parquet",
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
        most=config["review"]["candidates"],
        cut=dict(
            audio_root=AUDIO_ROOT,
            sample_rate=config["windows"]["sample_rate"],
            context_s=config["review"]["context_s"],
            top_hz=TOP_HZ,
        ),
        code=code("cut_clips"),
    script:
        "../scripts/cut_clips.py"


rule write_review:
    input:
        clips="<results>/review/clips",
        listed="<results>/review/clips.parquet",
        candidates="<results>/review/candidates.parquet",
        answers=REVIEW_INPUT,
    output:
        page="<results>/review/index.html",
    log:
        "<logs>/write_review.log",
    benchmark:
        "<benchmarks>/write_review.jsonl"
    conda:
        ENVIRONMENT
    params:
        review=REVIEW_FILE,
        shown=dict(
            target=config["target"],
            generated="generated" in config,
            top_hz=TOP_HZ,
            embed_mb=config["review"]["embed_mb"],
        ),
        page=[
            fingerprint.hash_file(WORKFLOW / "scripts/hardneg/review" / f"review.{ending}")
            for ending in ("html.j2", "js", "css")
        ],
        code=code("write_review"),
    script:
        "../scripts/write_review.py"


rule review:
    input:
        "<results>/review/index.html",
