from hardneg import finished_scores, inference, mining, tables
from hardneg.log import log_to

log_to(snakemake.log[0])
index, recordings = tables.read(snakemake.input.index), tables.read(snakemake.input.recordings)
windows = finished_scores.score_windows(snakemake.input.tables, snakemake.params.label, index)
tables.write(windows, snakemake.output.windows)
tables.write(mining.rank_files(inference.file_confidence(windows), recordings), snakemake.output.scores)
