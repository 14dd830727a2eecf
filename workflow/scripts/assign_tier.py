from hardneg import review, tables, tiers
from hardneg.log import log_to

log_to(snakemake.log[0])
definition, reviewed = dict(snakemake.params.tier), snakemake.params.review
scores = tables.read(snakemake.input.scores)
audited = tables.read(snakemake.input.audit) if snakemake.input.audit else None
clusters = tables.read(snakemake.input.clusters) if snakemake.input.clusters else None
size = len(tables.read(snakemake.input.match)) if snakemake.input.match else None
decisions = review.resolve(review.read(reviewed["file"]), reviewed["conflicts"])
left_out = review.left_out(decisions, audited, definition.pop("exclude", []))
what = {"match_files": size, "left_out": left_out, "clusters": clusters}
tier = tiers.assign(scores, snakemake.wildcards.tier, **what, **definition)
tables.write(tier, snakemake.output.tier)
