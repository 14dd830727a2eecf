from hardneg.mining import external_detections

try:
    DETECTIONS = {
        name: external_detections.tables_of(model.path)
        for name, model in MODELS.items()
        if model.kind == "detections"
    }
except InputError as error:
    stop(error)


rule score_detections:
    input:
        tables=lambda wildcards: DETECTIONS[wildcards.model],
        index=f"{FEATURES}/pool.parquet",
        recordings="<results>/inputs/pool.parquet",
    output:
        scores="<results>/mining/{model}/scores.parquet",
        windows="<results>/mining/{model}/windows.parquet",
    log:
        "<logs>/score_detections/{model}.log",
    benchmark:
        "<benchmarks>/score_detections/{model}.jsonl"
    wildcard_constraints:
        model=one_of(DETECTIONS),
    conda:
        ENVIRONMENT
    params:
        label=lambda wildcards: MODELS[wildcards.model].label,
        code=code("score_detections"),
    script:
        "../scripts/score_detections.py"
