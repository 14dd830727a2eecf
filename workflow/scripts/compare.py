from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.statistics import comparison

log_to(snakemake.log[0])
runs = tables.read(snakemake.input.runs)
axes, settings = snakemake.params.axes, snakemake.params.statistics
scores_of = comparison.make_score_loader(snakemake.input.scores, snakemake.params.runs, runs, [*axes, "seed"])
deltas = comparison.compare(runs, snakemake.params.comparisons, axes, settings, scores_of)
tables.write(comparison.pair_all(runs, snakemake.params.comparisons, axes), snakemake.output.pairs)
tables.write(deltas, snakemake.output.deltas)
