from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.recordings import checks, manifest, sharding

log_to(snakemake.log[0])
listed = sharding.assign_splits_and_shards(manifest.read(snakemake.input.manifest), **snakemake.params.listing)
shard = listed[listed.shard == snakemake.wildcards.shard]
checked = checks.check_recordings(shard, workers=snakemake.threads, **snakemake.params.checks)
tables.write(checked, snakemake.output.checked)
