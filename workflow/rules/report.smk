rule draw_figures:
    input:
        runs="<results>/runs.csv",
        scores=plan.runs.files("scores.parquet"),
        deltas="<results>/deltas.csv",
        pairs="<results>/pairs.csv",
        histories=plan.runs.files("history.csv"),
        pool="<scores>",
        tiers=plan.tiers.mined_paths,
        confusers=plan.report.inputs["confusers"],
    output:
        **{
            name: report(
                f"<results>/figures/{name}.svg",
                caption=f"../report/{plan.report.caption(name)}.rst",
                category="Figures",
            )
            for name in plan.report.figures
        },
        **{f"{name}_numbers": f"<results>/figures/{name}.csv" for name in plan.report.figures},
    log:
        "<logs>/draw_figures.log",
    benchmark:
        "<benchmarks>/draw_figures.jsonl"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        runs=plan.runs.table,
        tiers=plan.tiers.mined,
        controls=plan.tiers.controls,
        comparisons=config["comparisons"],
        bins=config["evaluation"]["calibration_bins"],
        code=fingerprint("draw_figures"),
    script:
        "../scripts/draw_figures.py"


rule write_report:
    input:
        **{name: f"<results>/figures/{name}.svg" for name in plan.report.figures},
        **plan.report.inputs,
        recordings="<results>/inputs/recordings.parquet",
        rejected="<results>/inputs/rejected.csv",
        runs="<results>/runs.csv",
        deltas="<results>/deltas.csv",
        comparison_warnings="<results>/comparison_warnings.csv",
        interactions="<results>/interactions.csv",
        nights="<results>/nights.csv",
        breakdown="<results>/breakdown.csv",
        models=plan.runs.files("model.json"),
    output:
        page=report("<results>/report.html", caption="../report/report.rst", category="Report"),
        answer="<results>/answer.txt",
        answers=report("<results>/answers.csv", caption="../report/answers.rst", category="Tables"),
    log:
        "<logs>/write_report.log",
    benchmark:
        "<benchmarks>/write_report.jsonl"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        settings=dict(
            target=config["target"],
            generated="generated" in config,
            axes=plan.runs.varied_axes,
            tiers=plan.tiers.in_matrix,
            alpha=config["statistics"]["alpha"],
            p_adjustment=config["statistics"]["p_adjustment"],
            power=config["statistics"]["power"],
            calibration_bins=config["evaluation"]["calibration_bins"],
            files_per_night=config["evaluation"]["nights"]["files_per_night"],
            review_s=config["evaluation"]["nights"]["review_s"],
            one_model_confidence=config["audit"]["one_model_confidence"],
            max_recall_loss=config["recommendation"]["max_recall_loss"],
            review_conflicts=plan.review.conflicts,
            review_matches=plan.review.matches,
            second_round=plan.mining.second_round_settings,
            configuration={key: value for key, value in config.items() if key != "device"},
        ),
        figures=plan.report.figures,
        templates=fingerprint_files("report/report*.html.j2") + fingerprint_files("report/report_style.css"),
        code=fingerprint("write_report"),
    script:
        "../scripts/write_report.py"
