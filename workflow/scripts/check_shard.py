from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.recordings import checks, planned_manifest

log_to(snakemake.log[0])
shard = planned_manifest.read_shard(snakemake.params.planned, snakemake.wildcards.shard, snakemake.params.shard_hash)
checked = checks.check_recordings(shard, workers=snakemake.threads, **snakemake.params.checks)
tables.write(checked, snakemake.output.checked)
