import pandas as pd

from hardneg import recordings, tables
from hardneg.log import log_to

log_to(snakemake.log[0])
checked = pd.concat([tables.read(part) for part in snakemake.input.parts], ignore_index=True)
usable, rejected = recordings.accept(checked, snakemake.params.max_rejected_fraction)
tables.write(rejected, snakemake.output.rejected)
tables.write(usable, snakemake.output.recordings)
