from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.mining import external_detections, ranking
from hardneg.models import file_scores

log_to(snakemake.log[0])
index, recordings = tables.read(snakemake.input.index), tables.read(snakemake.input.recordings)
windows = external_detections.score_windows(snakemake.input.tables, snakemake.params.label, index)
tables.write(windows, snakemake.output.windows)
tables.write(ranking.rank_files(file_scores.score_by_highest_window(windows), recordings), snakemake.output.scores)
