from hardneg import features
from hardneg.log import log_to

log_to(snakemake.log[0])
arrays = dict(zip(snakemake.input.arrays, snakemake.input.indexes, strict=True))
features.merge_indexes(arrays, snakemake.output.index)
