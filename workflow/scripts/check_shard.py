from hardneg import manifest, recordings, sharding, tables
from hardneg.log import log_to

log_to(snakemake.log[0])
listed = sharding.listing(manifest.read(snakemake.input.manifest), **snakemake.params.listing)
shard = listed[listed.shard == snakemake.wildcards.shard]
checked = recordings.check(shard, workers=snakemake.threads, **snakemake.params.checks)
tables.write(checked, snakemake.output.checked)
