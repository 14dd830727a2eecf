from hardneg import finished_scores, ranking, tables
from hardneg.log import log_to

log_to(snakemake.log[0])
index, recordings = tables.read(snakemake.input.index), tables.read(snakemake.input.recordings)
windows = finished_scores.score_windows(snakemake.input.tables, snakemake.params.label, index)
tables.write(windows, snakemake.output.windows)
tables.write(ranking.rank_files(ranking.file_confidence(windows), recordings), snakemake.output.scores)
