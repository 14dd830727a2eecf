from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.models.thresholds import ThresholdRule
from hardneg.statistics import interactions
from hardneg.statistics.comparison import StatisticsSettings
from hardneg.statistics.run_pairs import Comparison, select_possible
from hardneg.statistics.scored_files import make_score_loader

log_to(snakemake.log[0])
runs, axes = tables.read(snakemake.input.runs), snakemake.params.axes
comparisons = [
    Comparison(vary=definition["vary"], baseline=str(definition["baseline"]))
    for definition in snakemake.params.comparisons
]
first = select_possible(comparisons, runs)[0]
settings = StatisticsSettings(**snakemake.params.statistics)
rule = ThresholdRule(**snakemake.params.threshold)
load_scores = make_score_loader(
    snakemake.input.scores, snakemake.params.runs, runs, [*axes, "seed"], rule, settings.cluster
)
effects = interactions.estimate_interactions(runs, first, axes, settings, load_scores)
tables.write(effects, snakemake.output.interactions)
