from hardneg import positives, tables
from hardneg.log import log_to

log_to(snakemake.log[0])
ranking = tables.read(snakemake.input.ranking) if snakemake.input.ranking else None
recordings = tables.read(snakemake.input.recordings)
name, subset = snakemake.wildcards.positive_subset, snakemake.params.subset
tables.write(positives.select(recordings, name, ranking=ranking, **subset), snakemake.output.subset)
