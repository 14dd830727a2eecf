rule generate_soundscapes:
    output:
        manifest="<store>/soundscapes/manifest.csv",
        truth="<store>/soundscapes/truth.csv",
        audio=directory("<store>/soundscapes/audio"),
    log:
        "<logs>/generate_soundscapes.log",
    benchmark:
        "<benchmarks>/generate_soundscapes.jsonl"
    conda:
        ENVIRONMENT
    threads: 16
    params:
        generated=config.get("generated"),
        code=fingerprint("generate_soundscapes"),
    script:
        "../scripts/generate_soundscapes.py"


rule check_shard:
    input:
        # A new row of the manifest must not run every shard again. A shard runs again when its hash changes.
        manifest=plan.shards.manifest_path if plan.shards.is_generated else ancient(plan.shards.manifest_path),
    output:
        checked="<store>/inputs/shards/{shard}.parquet",
    log:
        "<logs>/check_shard/{shard}.log",
    benchmark:
        "<benchmarks>/check_shard/{shard}.jsonl"
    conda:
        ENVIRONMENT
    threads: 4
    params:
        # Snakemake does not compare parameters that take `input`. The hash contains the rows of the shard.
        planned=lambda wildcards, input: plan.shards.planned,
        checks=dict(
            audio_root=plan.shards.audio_root,
            min_duration_s=config["min_duration_s"],
            window_s=config["windows"]["length_s"],
        ),
        shard_hash=lambda wildcards: plan.shards.hashes[wildcards.shard],
        code=fingerprint("check_shard"),
    script:
        "../scripts/check_shard.py"


rule gather_recordings:
    input:
        shards=lambda wildcards: expand(
            "<store>/inputs/shards/{shard}.parquet", shard=plan.shards.names(wildcards.part)
        ),
    output:
        checked="<results>/inputs/{part}_checked.parquet",
        usable="<results>/inputs/{part}.parquet",
    log:
        "<logs>/gather_recordings/{part}.log",
    benchmark:
        "<benchmarks>/gather_recordings/{part}.jsonl"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        # Folds share the checked recordings, and differ in their splits.
        planned=lambda wildcards, input: plan.shards.planned if plan.is_fold else None,
        split_hash=lambda wildcards: plan.shards.hash_splits(wildcards.part) if plan.is_fold else None,
        code=fingerprint("gather_recordings"),
    script:
        "../scripts/gather_recordings.py"


# This rule runs before others that are ready, so that a broken split rule stops the workflow at its start.
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
    localrule: True
    conda:
        ENVIRONMENT
    params:
        max_rejected_fraction=config["max_rejected_fraction"],
        audio_root=plan.shards.audio_root,
        window_s=config["windows"]["length_s"],
        weak_labels=config["training"]["weak_labels"],
        code=fingerprint("check_inputs"),
    script:
        "../scripts/check_inputs.py"
