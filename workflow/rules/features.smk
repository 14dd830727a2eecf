rule extract_features:
    input:
        checked="<store>/inputs/shards/{shard}.parquet",
        backbone=plan.extractor_file,
    output:
        array="<features>/{shard}.npy",
        index="<features>/{shard}.parquet",
    log:
        "<logs>/extract_features/{shard}.log",
    benchmark:
        "<benchmarks>/extract_features/{shard}.jsonl"
    conda:
        ENVIRONMENT
    threads: 16
    resources:
        gpu=GPUS,
        device=DEVICE,
    params:
        windows=config["windows"],
        features=config["features"],
        audio_root=plan.shards.audio_root,
        package=plan.weights_package,
        code=fingerprint("extract_features"),
    script:
        "../scripts/extract_features.py"


rule merge_indexes:
    input:
        arrays=lambda wildcards: expand("<features>/{shard}.npy", shard=plan.shards.names(wildcards.part)),
        indexes=lambda wildcards: expand("<features>/{shard}.parquet", shard=plan.shards.names(wildcards.part)),
        recordings=lambda wildcards: plan.shards.annotated_recordings(wildcards.part),
    output:
        index="<features>/{part}.parquet",
    log:
        "<logs>/merge_indexes/{part}.log",
    benchmark:
        "<benchmarks>/merge_indexes/{part}.jsonl"
    localrule: True
    conda:
        ENVIRONMENT
    # The arrays are read once more, to check their hashes.
    threads: 16
    params:
        overlap=lambda wildcards: plan.overlap_rule(wildcards.part),
        code=fingerprint("merge_indexes"),
    script:
        "../scripts/merge_indexes.py"
