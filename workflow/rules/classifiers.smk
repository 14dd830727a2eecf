CLASSIFIERS = {name: model for name, model in MODELS.items() if model.kind == "classifier"}
WANTED = {
    name: dict(label=model.label, sensitivity=config["mining"]["sensitivity"]) for name, model in CLASSIFIERS.items()
}


rule classify_shard:
    input:
        model=lambda wildcards: CLASSIFIERS[wildcards.model].path,
        labels=lambda wildcards: mining_models.labels_path(CLASSIFIERS[wildcards.model].path),
        checked="<results>/inputs/shards/{shard}.parquet",
        index=f"{FEATURES}/{{shard}}.parquet",
    output:
        windows="<results>/mining/{model}/shards/{shard}.parquet",
    log:
        "<logs>/classify_shard/{model}/{shard}.log",
    benchmark:
        "<benchmarks>/classify_shard/{model}/{shard}.jsonl"
    wildcard_constraints:
        model=one_of(CLASSIFIERS),
    conda:
        ENVIRONMENT
    threads: 16
    params:
        audio_root=AUDIO_ROOT,
        wanted=lambda wildcards: WANTED[wildcards.model],
        code=code("classify_shard"),
    script:
        "../scripts/classify_shard.py"


if FIRST in CLASSIFIERS:

    ruleorder: classify_positives > rank_positives

    rule classify_positives:
        input:
            model=CLASSIFIERS[FIRST].path,
            labels=mining_models.labels_path(CLASSIFIERS[FIRST].path),
            recordings="<results>/inputs/labelled.parquet",
            index=f"{FEATURES}/labelled.parquet",
        output:
            ranking="<results>/positives/ranking.parquet",
        log:
            "<logs>/classify_positives.log",
        benchmark:
            "<benchmarks>/classify_positives.jsonl"
        conda:
            ENVIRONMENT
        threads: 16
        params:
            audio_root=AUDIO_ROOT,
            wanted=WANTED[FIRST],
            code=code("classify_positives"),
        script:
            "../scripts/classify_positives.py"
