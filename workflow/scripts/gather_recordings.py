from hardneg import recordings, tables
from hardneg.log import log_to

log_to(snakemake.log[0])
checked = recordings.gather([tables.read(shard) for shard in snakemake.input.shards])
tables.write(checked, snakemake.output.checked)
tables.write(checked[checked.reason == ""].drop(columns="reason"), snakemake.output.usable)
