from hardneg import tables, tiers
from hardneg.log import log_to

log_to(snakemake.log[0])
scores = tables.read(snakemake.input.scores)
size = len(tables.read(snakemake.input.match)) if snakemake.input.match else None
tier = tiers.assign(scores, snakemake.wildcards.tier, match_files=size, **snakemake.params.tier)
tables.write(tier, snakemake.output.tier)
