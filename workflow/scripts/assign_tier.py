from hardneg import review, tables, tiers
from hardneg.log import log_to

log_to(snakemake.log[0])
reviewed = snakemake.params.review
decisions = review.resolve(review.read(reviewed["file"]), reviewed["conflicts"])
inputs = (snakemake.input.scores, snakemake.input.audit, snakemake.input.clusters)
pool = [tables.read(path) if path else None for path in inputs]
tier = tiers.build(snakemake.wildcards.tier, snakemake.params.tiers, *pool, decisions)
tables.write(tier, snakemake.output.tier)
