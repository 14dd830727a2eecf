from hardneg import review, tables, tiers
from hardneg.log import log_to

log_to(snakemake.log[0])
reviewed = snakemake.params.review
decisions = review.resolve(review.read(reviewed["file"]), reviewed["conflicts"])
names = ("scores", "audit", "clusters", "second", "taken")
*pool, second, taken = (tables.read(snakemake.input[name]) if snakemake.input[name] else None for name in names)
tier = tiers.build(snakemake.wildcards.tier, snakemake.params.tiers, *pool, decisions, second, taken)
tables.write(tier, snakemake.output.tier)
