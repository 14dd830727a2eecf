EXPORTED_RUN = matrix.select_run(config["matrix"], config["export"]["run"])
EXPORTED = str(Path(RESULTS, "runs", *(f"{axis}~{value}" for axis, value in EXPORTED_RUN.items())))

# A head on BirdNET's embeddings is also written as a BirdNET custom classifier.
CLASSIFIER = (
    dict(
        classifier="<results>/export/classifier.tflite",
        classifier_labels="<results>/export/classifier_Labels.txt",
    )
    if config["features"]["kind"] == "birdnet"
    else {}
)


rule export:
    input:
        weights=f"{EXPORTED}/model.safetensors",
        description=f"{EXPORTED}/model.json",
        metrics=f"{EXPORTED}/metrics.csv",
        scores=f"{EXPORTED}/scores.parquet",
        recordings="<results>/inputs/recordings.parquet",
    output:
        **CLASSIFIER,
        weights="<results>/export/model.safetensors",
        description="<results>/export/model.json",
        onnx="<results>/export/model.onnx",
        labels="<results>/export/labels.txt",
        card="<results>/export/README.md",
    log:
        "<logs>/export.log",
    benchmark:
        "<benchmarks>/export.jsonl"
    conda:
        ENVIRONMENT
    params:
        about=dict(
            target=config["target"],
            label=config["export"].get("label", config["target"]),
            resamples=config["statistics"]["resamples"],
        ),
        code=code("export"),
    script:
        "../scripts/export.py"
