from hardneg.common.log import log_to
from hardneg.features import store

log_to(snakemake.log[0])
index_paths = dict(zip(snakemake.input.arrays, snakemake.input.indexes, strict=True))
store.merge_indexes(index_paths, snakemake.output.index, snakemake.threads)
