from hardneg.audit import near_duplicates
from hardneg.common import tables
from hardneg.common.log import log_to

log_to(snakemake.log[0])
files = [tables.read(snakemake.input[name]) for name in ("labelled", "index", "scores", "pool_index", "pool")]
windows = near_duplicates.select_windows(*files, pool_files=snakemake.params.pool_files)
duplicates = near_duplicates.find_near_duplicates(windows, snakemake.params.min_similarity)
tables.write(duplicates, snakemake.output.near_duplicates)
