rule generate_soundscapes:
    output:
        manifest="<results>/soundscapes/manifest.csv",
        truth="<results>/soundscapes/truth.csv",
        audio=directory("<results>/soundscapes/audio"),
    params:
        generated=config.get("generated"),
        code=code("generate_soundscapes"),
    log:
        "<logs>/generate_soundscapes.log",
    benchmark:
        "<benchmarks>/generate_soundscapes.jsonl"
    threads: workflow.cores
    conda:
        ENVIRONMENT
    script:
        "../scripts/generate_soundscapes.py"


rule check_shard:
    input:
        AUDIO,
    output:
        checked="<results>/inputs/shards/{shard}.parquet",
    params:
        manifest=MANIFEST if "generated" not in config else f"{RESULTS}/soundscapes/manifest.csv",
        listing=dict(splits=config["splits"], shard_files=config["shard_files"]),
        checks=dict(
            audio_root=AUDIO_ROOT,
            min_duration_s=config["min_duration_s"],
            window_s=config["windows"]["length_s"],
        ),
        state=lambda wildcards: dict(shard=STATES.get(wildcards.shard), generated=config.get("generated")),
        code=code("check_shard"),
        synthesis=code("generate_soundscapes") if "generated" in config else None,
    log:
        "<logs>/check_shard/{shard}.log",
    benchmark:
        "<benchmarks>/check_shard/{shard}.jsonl"
    threads: min(4, workflow.cores)
    conda:
        ENVIRONMENT
    script:
        "../scripts/check_shard.py"


rule gather_recordings:
    input:
        shards=lambda wildcards: expand("<results>/inputs/shards/{shard}.parquet", shard=SHARDS[wildcards.part]),
    output:
        checked="<results>/inputs/{part}_checked.parquet",
        usable="<results>/inputs/{part}.parquet",
    params:
        code=code("gather_recordings"),
    log:
        "<logs>/gather_recordings/{part}.log",
    benchmark:
        "<benchmarks>/gather_recordings/{part}.jsonl"
    conda:
        ENVIRONMENT
    script:
        "../scripts/gather_recordings.py"


rule check_inputs:
    input:
        parts=expand("<results>/inputs/{part}_checked.parquet", part=["labelled", "pool"]),
    output:
        recordings="<results>/inputs/recordings.parquet",
        rejected="<results>/inputs/rejected.csv",
    params:
        max_rejected_fraction=config["max_rejected_fraction"],
        code=code("check_inputs"),
    log:
        "<logs>/check_inputs.log",
    benchmark:
        "<benchmarks>/check_inputs.jsonl"
    conda:
        ENVIRONMENT
    script:
        "../scripts/check_inputs.py"
