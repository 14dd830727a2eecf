rule compare:
    input:
        runs="<results>/runs.csv",
        scores=plan.runs.files("scores.parquet"),
    output:
        deltas=report("<results>/deltas.csv", caption="../report/deltas.rst", category="Tables"),
        pairs="<results>/pairs.csv",
        warnings="<results>/comparison_warnings.csv",
    log:
        "<logs>/compare.log",
    benchmark:
        "<benchmarks>/compare.jsonl"
    conda:
        ENVIRONMENT
    params:
        comparisons=config["comparisons"],
        statistics=plan.settings(
            "statistics", "alpha", "p_adjustment", "power", "resamples", "cluster", "effects_of_interest"
        ),
        looks=plan.runs.looks,
        threshold=plan.settings("evaluation/threshold", "rule", "value", "prevalence"),
        runs=plan.runs.table,
        axes=plan.runs.axes,
        code=fingerprint("compare"),
    script:
        "../scripts/compare.py"


rule compare_effects:
    input:
        runs="<results>/runs.csv",
        scores=plan.runs.files("scores.parquet"),
    output:
        interactions="<results>/interactions.csv",
    log:
        "<logs>/compare_effects.log",
    benchmark:
        "<benchmarks>/compare_effects.jsonl"
    conda:
        ENVIRONMENT
    params:
        comparisons=config["comparisons"],
        statistics=plan.settings(
            "statistics", "alpha", "p_adjustment", "power", "resamples", "cluster", "effects_of_interest"
        ),
        threshold=plan.settings("evaluation/threshold", "rule", "value", "prevalence"),
        runs=plan.runs.table,
        axes=plan.runs.axes,
        code=fingerprint("compare_effects"),
    script:
        "../scripts/compare_effects.py"


if plan.compares_confusers:

    rule compare_confusers:
        input:
            runs="<results>/runs.csv",
            scores=plan.runs.files("scores.parquet"),
            clusters="<results>/audit/clusters.csv",
            held_out="<results>/audit/test_pool_clusters.csv",
            labels=plan.sound_labels,
        output:
            confusers=report("<results>/confusers.csv", caption="../report/confusers.rst", category="Tables"),
        log:
            "<logs>/compare_confusers.log",
        benchmark:
            "<benchmarks>/compare_confusers.jsonl"
        localrule: True
        conda:
            ENVIRONMENT
        params:
            comparison=dict(vary="negative_tier", baseline=str(config["comparisons"][0]["baseline"])),
            statistics=dict(resamples=config["statistics"]["resamples"], confidence=1 - config["statistics"]["alpha"]),
            runs=plan.runs.table,
            axes=plan.runs.axes,
            label_column=plan.sound_label_column,
            code=fingerprint("compare_confusers"),
        script:
            "../scripts/compare_confusers.py"


if plan.measures_memorization:

    rule measure_memorization:
        input:
            runs="<results>/runs.csv",
            scores=plan.runs.files("scores.parquet"),
            held_out=plan.mining.held_out_scores,
            tiers=[plan.tiers.path(name) for name in plan.tiers.cut_by_confidence],
        output:
            memorization=report("<results>/memorization.csv", caption="../report/memorization.rst", category="Tables"),
        log:
            "<logs>/measure_memorization.log",
        benchmark:
            "<benchmarks>/measure_memorization.jsonl"
        localrule: True
        conda:
            ENVIRONMENT
        params:
            rankings={name: plan.tiers.ranking(name) for name in plan.tiers.cut_by_confidence},
            statistics=dict(resamples=config["statistics"]["resamples"], confidence=1 - config["statistics"]["alpha"]),
            runs=plan.runs.table,
            axes=plan.runs.axes,
            code=fingerprint("measure_memorization"),
        script:
            "../scripts/measure_memorization.py"


rule tabulate_nights:
    input:
        runs="<results>/runs.csv",
    output:
        nights="<results>/nights.csv",
    log:
        "<logs>/tabulate_nights.log",
    benchmark:
        "<benchmarks>/tabulate_nights.jsonl"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        schedule=plan.settings("evaluation/nights", "files_per_night", "calling_files", "review_s"),
        axes=plan.runs.axes,
        code=fingerprint("tabulate_nights"),
    script:
        "../scripts/tabulate_nights.py"
