from hardneg import sounds, tables
from hardneg.log import log_to

log_to(snakemake.log[0])
scores, index = tables.read(snakemake.input.scores), tables.read(snakemake.input.index)
named = sounds.name_sounds(scores, index)
tables.write(named, snakemake.output.sounds)
tiers = dict(zip(snakemake.params.tiers, map(tables.read, snakemake.input.tiers), strict=True))
tables.write(sounds.count(named, tiers), snakemake.output.counts)
