from hardneg import finished_scores

try:
    DETECTIONS = finished_scores.tables_of(config["mining"]["model"])
except InputError as error:
    stop(error)


ruleorder: score_detections > rank_pool


rule score_detections:
    input:
        tables=DETECTIONS,
        index=f"{FEATURES}/pool.parquet",
        recordings="<results>/inputs/pool.parquet",
    output:
        scores=f"<results>/mining/{DETECTOR}/scores.parquet",
        windows=f"<results>/mining/{DETECTOR}/windows.parquet",
    log:
        "<logs>/score_detections.log",
    benchmark:
        "<benchmarks>/score_detections.jsonl"
    conda:
        ENVIRONMENT
    params:
        label=config["mining"]["label"],
        code=code("score_detections"),
    script:
        "../scripts/score_detections.py"
