from hardneg.common.log import log_to
from hardneg.features import store

log_to(snakemake.log[0])
arrays = dict(zip(snakemake.input.arrays, snakemake.input.indexes, strict=True))
store.merge_indexes(arrays, snakemake.output.index)
