# Sites held out in turn: the experiment once for each, and one comparison over all.

from hardneg.planning import fold_plan
from hardneg.recordings import rotation

try:
    ROTATION = rotation.plan_rotation(plan.shards.recordings, config["splits"]["rotate"])
except InputError as error:
    raise WorkflowError(str(error)) from None

FOLDS = fold_plan.configure_folds(config, ROTATION)

if workflow.is_main_process:
    for note in filter(None, (fold_plan.describe_costs(config, FOLDS), fold_plan.describe_left_out(ROTATION))):
        logger.warning(note)

for FOLD, FOLD_CONFIG in FOLDS.items():

    module:
        name: FOLD
        snakefile:
            "../fold.smk"
        config:
            FOLD_CONFIG

    # Folds share the checked recordings and the features.
    use rule * from FOLD exclude generate_soundscapes, check_shard, extract_features, merge_indexes as FOLD*


FOLD_TABLES = fold_plan.list_fold_tables(FOLDS)


rule compare_sites:
    input:
        deltas=FOLD_TABLES.deltas,
    output:
        by_site=report("<results>/by_site.csv", caption="../report/by_site.rst", category="Tables"),
        sites=report("<results>/sites.csv", caption="../report/sites.rst", category="Tables"),
    log:
        "<logs>/compare_sites.log",
    benchmark:
        "<benchmarks>/compare_sites.jsonl"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        sites=list(FOLD_TABLES.sites),
        statistics=plan.settings("statistics", "alpha", "p_adjustment"),
        code=fingerprint("compare_sites"),
    script:
        "../scripts/compare_sites.py"


rule write_sites:
    input:
        by_site="<results>/by_site.csv",
        sites="<results>/sites.csv",
    output:
        page=report("<results>/sites.html", caption="../report/sites_page.rst", category="Report"),
        text="<results>/sites.txt",
    log:
        "<logs>/write_sites.log",
    benchmark:
        "<benchmarks>/write_sites.jsonl"
    localrule: True
    conda:
        ENVIRONMENT
    params:
        target=config["target"],
        alpha=config["statistics"]["alpha"],
        left_out=ROTATION.left_out,
        templates=fingerprint_files("report/sites.html.j2") + fingerprint_files("report/report_style.css"),
        code=fingerprint("write_sites"),
    script:
        "../scripts/write_sites.py"


FOLD_TARGETS = [
    "<results>/sites.html",
    "<results>/sites.txt",
    "<results>/sites.csv",
    *(path for fold in FOLDS for path in getattr(rules, f"{fold}results").input),
]
