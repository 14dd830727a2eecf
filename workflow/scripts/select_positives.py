from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.experiments import positive_subsets

log_to(snakemake.log[0])
ranking = tables.read(snakemake.input.ranking) if snakemake.input.ranking else None
recordings = tables.read(snakemake.input.recordings)
name, subset = snakemake.wildcards.positive_subset, snakemake.params.subset
pool = tables.read(snakemake.input.pool) if snakemake.input.pool else None
reviewed = snakemake.params.reviewed
selected = positive_subsets.select(recordings, name, ranking=ranking, reviewed=reviewed, pool=pool, **subset)
tables.write(selected, snakemake.output.subset)
