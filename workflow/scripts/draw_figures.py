from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.report import figure_set, report_page

log_to(snakemake.log[0])
runs = tables.read(snakemake.input.runs)
scores = report_page.read_runs(snakemake.input.scores, snakemake.params.runs)
histories = report_page.read_runs(snakemake.input.histories, snakemake.params.runs)
tiers = {name: tables.read(path) for name, path in zip(snakemake.params.tiers, snakemake.input.tiers, strict=True)}
compared = [tables.read(snakemake.input[name]) for name in ("deltas", "pairs")]
drawn = figure_set.draw(
    runs, scores, histories, tables.read(snakemake.input.pool), tiers, *compared, snakemake.params.bins
)
figure_set.save(drawn, dict(snakemake.output.items()))
