from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.recordings import checks

log_to(snakemake.log[0])
checked = checks.merge_shards([tables.read(shard) for shard in snakemake.input.shards])
tables.write(checked, snakemake.output.checked)
tables.write(checked[checked.reason == ""].drop(columns="reason"), snakemake.output.usable)
