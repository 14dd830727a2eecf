from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.mining import ranking
from hardneg.recordings.manifest import TEST_POOL

log_to(snakemake.log[0])
files = ranking.gather_scores(snakemake.input.shards, snakemake.output.windows)
recordings = tables.read(snakemake.input.recordings, ranking.INPUT_COLUMNS)
if tier := snakemake.input.get("first_round_tier"):
    recordings = recordings[~recordings.file_path.isin(tables.read(tier).file_path)]
tables.write(ranking.rank_files(files, recordings), snakemake.output.scores)
tables.write(ranking.rank_files(files, recordings, TEST_POOL), snakemake.output.held_out)
