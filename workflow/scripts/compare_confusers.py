from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.statistics import confusers
from hardneg.statistics.run_pairs import Comparison

log_to(snakemake.log[0])
compared = confusers.compare_confusers(
    confusers.read_scores(snakemake.input.scores, snakemake.params.runs),
    confusers.read_thresholds(tables.read(snakemake.input.runs), list(snakemake.params.runs[0])),
    tables.read(snakemake.input.held_out),
    Comparison(**snakemake.params.comparison),
    snakemake.params.axes,
    **snakemake.params.statistics,
)
if snakemake.input.labels:
    labels = tables.read(snakemake.input.labels).rename(columns={snakemake.params.label_column: "label"})
    compared = confusers.add_names(compared, tables.read(snakemake.input.clusters), labels)
tables.write(compared, snakemake.output.confusers)
