from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.mining import tiers
from hardneg.review import review_table

log_to(snakemake.log[0])
reviewed = snakemake.params.review
decisions = review_table.resolve(review_table.read(reviewed["file"]), reviewed["conflicts"])
names = ("scores", "audit", "clusters", "second", "taken")
*pool, second, taken = (tables.read(snakemake.input[name]) if snakemake.input[name] else None for name in names)
tier = tiers.build(snakemake.wildcards.tier, snakemake.params.tiers, *pool, decisions, second, taken)
tables.write(tier, snakemake.output.tier)
