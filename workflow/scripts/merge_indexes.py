from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.features import store
from hardneg.recordings import stretches

log_to(snakemake.log[0])
index_paths = dict(zip(snakemake.input.arrays, snakemake.input.indexes, strict=True))
label = None
if snakemake.input.recordings:
    rule = stretches.OverlapRule(**snakemake.params.overlap)
    label = stretches.make_labeller(tables.read(snakemake.input.recordings), rule)
store.merge_indexes(index_paths, snakemake.output.index, snakemake.threads, label)
