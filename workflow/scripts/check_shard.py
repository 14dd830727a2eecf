from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.recordings import checks, manifest, sharding
from hardneg.recordings.manifest import SplitSettings

log_to(snakemake.log[0])
splits = SplitSettings(**snakemake.params.splits)
recordings = sharding.assign_splits_and_shards(
    manifest.read(snakemake.input.manifest, splits.night_begins),
    splits,
    snakemake.params.files_per_shard,
)
shard = recordings[recordings.shard == snakemake.wildcards.shard]
checked = checks.check_recordings(shard, workers=snakemake.threads, **snakemake.params.checks)
tables.write(checked, snakemake.output.checked)
