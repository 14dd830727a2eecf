from hardneg import features, tables
from hardneg.log import log_to

log_to(snakemake.log[0])
merged = features.merge_indexes(dict(zip(snakemake.input.arrays, snakemake.input.indexes, strict=True)))
tables.write(merged, snakemake.output.index)
