from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.recordings import checks, planned_manifest

log_to(snakemake.log[0])
shards = [tables.read(shard) for shard in snakemake.input.shards]
if snakemake.params.planned:
    splits = planned_manifest.read_recordings(snakemake.params.planned).drop_duplicates("file_path")
    splits = splits.set_index("file_path").split
    shards = [shard.assign(split=shard.file_path.map(splits)) for shard in shards]
checked = checks.merge_shards(shards)
tables.write(checked, snakemake.output.checked)
tables.write(checked[checked.reason == ""].drop(columns="reason"), snakemake.output.usable)
