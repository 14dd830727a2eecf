import pandas as pd

from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.recordings import checks

log_to(snakemake.log[0])
checked = pd.concat([tables.read(part) for part in snakemake.input.parts], ignore_index=True)
usable, rejected = checks.separate_rejected(
    checked, snakemake.params.max_rejected_fraction, snakemake.params.audio_root
)
checks.warn_of_long_positives(usable, snakemake.params.window_s, snakemake.params.weak_labels)
tables.write(rejected, snakemake.output.rejected)
tables.write(usable, snakemake.output.recordings)
