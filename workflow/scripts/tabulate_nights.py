from hardneg import nights, tables
from hardneg.log import log_to

log_to(snakemake.log[0])
runs, axes = tables.read(snakemake.input.runs), snakemake.params.axes
tables.write(nights.tabulate(runs, axes, **snakemake.params.schedule), snakemake.output.nights)
