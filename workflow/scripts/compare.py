import pandas as pd

from hardneg import comparison, tables
from hardneg.log import log_to

log_to(snakemake.log[0])
runs = tables.read(snakemake.input.runs)
wanted, axes = snakemake.params.comparisons, snakemake.params.axes
deltas = pd.concat([comparison.compare(runs, axes=axes, **pair) for pair in wanted], ignore_index=True)
tables.write(deltas, snakemake.output.deltas)
