rule extract_features:
    input:
        checked="<results>/inputs/shards/{shard}.parquet",
        backbone=BACKBONE_FILE,
    output:
        array=f"{FEATURES}/{{shard}}.npy",
        index=f"{FEATURES}/{{shard}}.parquet",
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
        audio_root=AUDIO_ROOT,
        windows=config["windows"],
        features=config["features"],
        package=BACKBONE_PACKAGE,
        code=code("extract_features"),
    script:
        "../scripts/extract_features.py"


rule merge_indexes:
    input:
        arrays=lambda wildcards: expand(f"{FEATURES}/{{shard}}.npy", shard=SHARDS[wildcards.part]),
        indexes=lambda wildcards: expand(f"{FEATURES}/{{shard}}.parquet", shard=SHARDS[wildcards.part]),
    output:
        index=f"{FEATURES}/{{part}}.parquet",
    log:
        "<logs>/merge_indexes/{part}.log",
    benchmark:
        "<benchmarks>/merge_indexes/{part}.jsonl"
    conda:
        ENVIRONMENT
    params:
        code=code("merge_indexes"),
    script:
        "../scripts/merge_indexes.py"
