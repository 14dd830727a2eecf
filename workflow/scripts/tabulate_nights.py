from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.experiments import night_tables

log_to(snakemake.log[0])
runs, axes = tables.read(snakemake.input.runs), snakemake.params.axes
tables.write(night_tables.tabulate(runs, axes, **snakemake.params.schedule), snakemake.output.nights)
