from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.mining import combination, ranking
from hardneg.recordings.manifest import TEST_POOL

log_to(snakemake.log[0])
files = combination.combine_scores(dict(zip(snakemake.params.models, snakemake.input.windows, strict=True)))
recordings = tables.read(snakemake.input.recordings, ranking.INPUT_COLUMNS)
tables.write(ranking.rank_files(files, recordings), snakemake.output.scores)
tables.write(ranking.rank_files(files, recordings, TEST_POOL), snakemake.output.held_out)
