from hardneg.audit import clusters
from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.mining import ranking

log_to(snakemake.log[0])
found = clusters.cluster_files(
    tables.read(snakemake.input.scores),
    tables.read(snakemake.input.pool_index),
    **snakemake.params.clusters,
    held_out=ranking.find_held_out_windows(snakemake.input.windows, tables.read(snakemake.input.recordings)),
)
tables.write(found.mined, snakemake.output.clusters)
tables.write(found.held_out, snakemake.output.held_out)
