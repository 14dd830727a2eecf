from hardneg.audit import clusters
from hardneg.common import tables
from hardneg.common.log import log_to

log_to(snakemake.log[0])
scores, index = tables.read(snakemake.input.scores), tables.read(snakemake.input.pool_index)
tables.write(clusters.cluster_files(scores, index, **snakemake.params.clusters), snakemake.output.clusters)
