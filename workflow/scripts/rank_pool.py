import pandas as pd

from hardneg import mining, tables
from hardneg.log import log_to

log_to(snakemake.log[0])
windows = pd.concat([tables.read(shard) for shard in snakemake.input.shards], ignore_index=True)
tables.write(windows, snakemake.output.windows)
tables.write(mining.rank_files(windows, tables.read(snakemake.input.recordings)), snakemake.output.scores)
