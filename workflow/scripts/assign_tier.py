from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.mining import tiers
from hardneg.review import review_table

log_to(snakemake.log[0])
review = snakemake.params.review
answers = review_table.read_review(review["file"], review["matches"])
decisions = review_table.resolve_conflicts(answers, review["conflicts"])
names = ("scores", "audit", "clusters", "second_scores", "first_round_tier")
pool = tiers.PoolTables(**{name: tables.read(snakemake.input[name]) for name in names if snakemake.input[name]})
name, definitions = snakemake.wildcards.tier, snakemake.params.tiers
tier = tiers.build_tier(name, definitions, pool, decisions, snakemake.params.run_seed)
tables.write(tier.files, snakemake.output.tier)
tables.write_json({"files": len(tier.files), "notes": tier.notes}, snakemake.output.notes)
