rule generate_soundscapes:
    output:
        manifest="<results>/soundscapes/manifest.csv",
        truth="<results>/soundscapes/truth.csv",
        audio=directory("<results>/soundscapes/audio"),
    log:
        "<logs>/generate_soundscapes.log",
    benchmark:
        "<benchmarks>/generate_soundscapes.jsonl"
    conda:
        ENVIRONMENT
    threads: 16
    params:
        generated=config.get("generated"),
        code=code("generate_soundscapes"),
    script:
        "../scripts/generate_soundscapes.py"


rule check_shard:
    input:
        manifest=SOURCE,
    output:
        checked="<results>/inputs/shards/{shard}.parquet",
    log:
        "<logs>/check_shard/{shard}.log",
    benchmark:
        "<benchmarks>/check_shard/{shard}.jsonl"
    conda:
        ENVIRONMENT
    threads: 4
    params:
        listing=listing_of,
        checks=dict(
            audio_root=AUDIO_ROOT,
            min_duration_s=config["min_duration_s"],
            window_s=config["windows"]["length_s"],
        ),
        state=lambda wildcards: STATES[wildcards.shard],
        code=code("check_shard"),
    script:
        "../scripts/check_shard.py"


rule gather_recordings:
    input:
        shards=lambda wildcards: expand("<results>/inputs/shards/{shard}.parquet", shard=SHARDS[wildcards.part]),
    output:
        checked="<results>/inputs/{part}_checked.parquet",
        usable="<results>/inputs/{part}.parquet",
    log:
        "<logs>/gather_recordings/{part}.log",
    benchmark:
        "<benchmarks>/gather_recordings/{part}.jsonl"
    conda:
        ENVIRONMENT
    params:
        code=code("gather_recordings"),
    script:
        "../scripts/gather_recordings.py"


# A breach of the split rules is to stop the run at its start, so this goes before anything else that is ready.
rule check_inputs:
    input:
        parts=expand("<results>/inputs/{part}_checked.parquet", part=["labelled", "pool"]),
    output:
        recordings="<results>/inputs/recordings.parquet",
        rejected="<results>/inputs/rejected.csv",
    log:
        "<logs>/check_inputs.log",
    benchmark:
        "<benchmarks>/check_inputs.jsonl"
    priority: 100
    conda:
        ENVIRONMENT
    params:
        max_rejected_fraction=config["max_rejected_fraction"],
        code=code("check_inputs"),
    script:
        "../scripts/check_inputs.py"
