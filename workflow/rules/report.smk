import dataclasses

FORESTS = [f"forest_{place}" for place, _ in enumerate(config["comparisons"], start=1)]
FIGURES = [*FORESTS, "metrics", "precision_recall", "reliability", "pool_scores", "training_curves"]
TIERS = {name: config["negative_tiers"][name] for name in config["matrix"]["negative_tier"]}
AUDITED = any("exclude" in tier for tier in TIERS.values())
TEMPLATES = ["report", *(f"report_{part}" for part in ("models", "sounds", "audit", "rounds", "recommendation"))]
TIER_FILES = expand("<results>/tiers/{tier}.csv", tier=[name for name in TIERS if not is_none(name)])


rule draw_figures:
    input:
        runs="<results>/runs.csv",
        scores=expand("{run}/scores.parquet", run=ALL_RUNS),
        deltas="<results>/deltas.csv",
        pairs="<results>/pairs.csv",
        histories=expand("{run}/history.csv", run=ALL_RUNS),
        pool=SCORES,
        tiers=TIER_FILES,
    output:
        **{
            name: report(
                f"<results>/figures/{name}.svg",
                caption=f"../report/{name.split('_')[0] if name in FORESTS else name}.rst",
                category="Figures",
            )
            for name in FIGURES
        },
        **{f"{name}_numbers": f"<results>/figures/{name}.csv" for name in FIGURES},
    log:
        "<logs>/draw_figures.log",
    benchmark:
        "<benchmarks>/draw_figures.jsonl"
    conda:
        ENVIRONMENT
    params:
        runs=RUNS.to_dict("records"),
        tiers=[name for name in TIERS if not is_none(name)],
        bins=config["evaluation"]["calibration_bins"],
        code=code("draw_figures"),
    script:
        "../scripts/draw_figures.py"


rule write_report:
    input:
        **{name: f"<results>/figures/{name}.svg" for name in FIGURES},
        recordings="<results>/inputs/recordings.parquet",
        rejected="<results>/inputs/rejected.csv",
        runs="<results>/runs.csv",
        deltas="<results>/deltas.csv",
        interactions="<results>/interactions.csv",
        nights="<results>/nights.csv",
        breakdown="<results>/breakdown.csv",
        model=f"{ALL_RUNS[0]}/model.json",
        tiers=TIER_FILES,
        audit="<results>/audit/pool.csv" if AUDITED else [],
        clusters="<results>/audit/clusters.csv" if AUDITED else [],
        scores=SCORES if AUDITED or len(MODELS) > 1 else [],
        truth="<results>/soundscapes/truth.csv" if AUDITED and "generated" in config else [],
        review=REVIEW_INPUT if AUDITED else [],
        sounds="<results>/tiers/sounds/counts.csv" if BACKBONE_PACKAGE else [],
        rounds="<results>/mining/second/comparison.csv" if config["mining"]["rounds"] == 2 else [],
    output:
        page=report("<results>/report.html", caption="../report/report.rst", category="Report"),
    log:
        "<logs>/write_report.log",
    benchmark:
        "<benchmarks>/write_report.jsonl"
    conda:
        ENVIRONMENT
    params:
        shown=dict(
            target=config["target"],
            generated="generated" in config,
            axes=[axis for axis, values in config["matrix"].items() if len(values) > 1],
            tiers=TIERS,
            statistics=config["statistics"],
            evaluation=config["evaluation"],
            config={key: value for key, value in config.items() if key != "device"},
            review=dict(file=REVIEW_FILE, conflicts=config["review"]["conflicts"]),
            second_round=dataclasses.asdict(second_round.resolve_settings(config)) if config["mining"]["rounds"] == 2 else {},
        ),
        figures=FIGURES,
        templates=[fingerprint.hash_file(WORKFLOW / "scripts/hardneg/report" / f"{name}.html.j2") for name in TEMPLATES],
        code=code("write_report"),
    script:
        "../scripts/write_report.py"
