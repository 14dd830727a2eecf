from hardneg import sound_counts, sounds, tables
from hardneg.log import log_to

log_to(snakemake.log[0])
scores, index = tables.read(snakemake.input.scores), tables.read(snakemake.input.index)
named = sounds.name_sounds(scores, index)
tables.write(named, snakemake.output.sounds)
tiers = dict(zip(snakemake.params.tiers, map(tables.read, snakemake.input.tiers), strict=True))
tables.write(sound_counts.count(named, tiers), snakemake.output.counts)
