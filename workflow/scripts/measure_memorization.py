from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.statistics import confusers, memorization

log_to(snakemake.log[0])
measured = memorization.measure_memorization(
    confusers.read_scores(snakemake.input.scores, snakemake.params.runs),
    confusers.read_thresholds(tables.read(snakemake.input.runs), list(snakemake.params.runs[0])),
    memorization.PoolFiles.read(snakemake.input.tiers, snakemake.input.held_out, snakemake.params.rankings),
    snakemake.params.axes,
    **snakemake.params.statistics,
)
tables.write(measured, snakemake.output.memorization)
