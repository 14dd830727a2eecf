from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.experiments import night_tables

log_to(snakemake.log[0])
runs = tables.read(snakemake.input.runs)
nights = night_tables.tabulate_nights(runs, snakemake.params.axes, **snakemake.params.schedule)
tables.write(nights, snakemake.output.nights)
