from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.report import figure_set

log_to(snakemake.log[0])
tiers = {name: tables.read(path) for name, path in zip(snakemake.params.tiers, snakemake.input.tiers, strict=True)}
drawings = figure_set.draw_figures(
    runs=tables.read(snakemake.input.runs),
    scores=figure_set.read_runs(snakemake.input.scores, snakemake.params.runs),
    histories=figure_set.read_runs(snakemake.input.histories, snakemake.params.runs),
    pool=tables.read(snakemake.input.pool),
    tiers=tiers,
    deltas=tables.read(snakemake.input.deltas),
    pairs=tables.read(snakemake.input.pairs),
    comparisons=snakemake.params.comparisons,
    bins=snakemake.params.bins,
    confusers=tables.read(snakemake.input.confusers) if snakemake.input.confusers else None,
    controls=snakemake.params.controls,
)
figure_set.save_figures(drawings, dict(snakemake.output.items()))
