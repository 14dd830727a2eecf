from hardneg import report, report_figures, tables
from hardneg.log import log_to

log_to(snakemake.log[0])
runs = tables.read(snakemake.input.runs)
scores = report.read_runs(snakemake.input.scores, snakemake.params.runs)
histories = report.read_runs(snakemake.input.histories, snakemake.params.runs)
tiers = {name: tables.read(path) for name, path in zip(snakemake.params.tiers, snakemake.input.tiers, strict=True)}
compared = [tables.read(snakemake.input[name]) for name in ("deltas", "pairs")]
drawn = report_figures.draw(
    runs, scores, histories, tables.read(snakemake.input.pool), tiers, *compared, snakemake.params.bins
)
report_figures.save(drawn, dict(snakemake.output.items()))
