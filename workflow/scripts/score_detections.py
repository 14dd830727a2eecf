import pandas as pd

from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.mining import external_detections, ranking
from hardneg.models import file_scores
from hardneg.recordings.manifest import TEST_POOL

log_to(snakemake.log[0])
index, recordings = tables.read(snakemake.input.index), tables.read(snakemake.input.recordings)
checked = pd.concat([tables.read(part) for part in snakemake.input.checked], ignore_index=True)
scored = external_detections.score_windows(
    snakemake.input.tables, index=index, recordings=checked, **snakemake.params.matching
)
tables.write(scored.windows, snakemake.output.windows)
tables.write(scored.matching, snakemake.output.matching)
files = file_scores.score_by_highest_window(scored.windows)
tables.write(ranking.rank_files(files, recordings), snakemake.output.scores)
tables.write(ranking.rank_files(files, recordings, TEST_POOL), snakemake.output.held_out)
