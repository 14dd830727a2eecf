from hardneg import mining, tables
from hardneg.log import log_to

log_to(snakemake.log[0])
files = mining.gather_scores(snakemake.input.shards, snakemake.output.windows)
recordings = tables.read(snakemake.input.recordings, mining.ABOUT)
if taken := snakemake.input.get("taken"):
    recordings = recordings[~recordings.file_path.isin(tables.read(taken).file_path)]
tables.write(mining.rank_files(files, recordings), snakemake.output.scores)
