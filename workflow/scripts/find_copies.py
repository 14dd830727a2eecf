from hardneg import similarity, tables
from hardneg.log import log_to

log_to(snakemake.log[0])
files = [tables.read(snakemake.input[name]) for name in ("labelled", "index", "scores", "pool_index")]
windows = similarity.to_compare(*files, pool_files=snakemake.params.pool_files)
tables.write(similarity.copies(windows, snakemake.params.similarity), snakemake.output.copies)
