from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.experiments import arm_checks
from hardneg.models.thresholds import ThresholdRule
from hardneg.statistics import comparison, run_pairs, scored_files

log_to(snakemake.log[0])
runs = tables.read(snakemake.input.runs)
axes = snakemake.params.axes
comparisons = [
    run_pairs.Comparison(vary=definition["vary"], baseline=str(definition["baseline"]))
    for definition in snakemake.params.comparisons
]
comparisons = run_pairs.select_possible(comparisons, runs)
warnings = arm_checks.check_arms(runs, [(item.vary, item.baseline) for item in comparisons], axes)
settings = comparison.StatisticsSettings(**snakemake.params.statistics, looks=snakemake.params.looks)
rule = ThresholdRule(**snakemake.params.threshold)
load_scores = scored_files.make_score_loader(
    snakemake.input.scores, snakemake.params.runs, runs, [*axes, "seed"], rule, settings.cluster
)
compared = comparison.compare_runs(runs, comparisons, axes, settings, load_scores)
tables.write(compared.pairs, snakemake.output.pairs)
tables.write(compared.deltas, snakemake.output.deltas)
tables.write(warnings, snakemake.output.warnings)
