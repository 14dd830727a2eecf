rule export:
    input:
        weights=f"{plan.runs.exported}/model.safetensors",
        description=f"{plan.runs.exported}/model.json",
        scores=f"{plan.runs.exported}/scores.parquet",
        recordings="<results>/inputs/recordings.parquet",
    output:
        **plan.exported_classifier,
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
        settings=dict(
            target=config["target"],
            label=config["export"].get("label", config["target"]),
            resamples=config["statistics"]["resamples"],
            cluster=config["statistics"]["cluster"],
        ),
        measures=plan.settings("evaluation", "precision", "calibration_bins"),
        threshold=plan.settings("evaluation/threshold", "rule", "value", "prevalence"),
        templates=fingerprint_files("export/*.md.j2"),
        code=fingerprint("export"),
    script:
        "../scripts/export.py"
