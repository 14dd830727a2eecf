from hardneg import runs, tables
from hardneg.log import log_to

log_to(snakemake.log[0])
tables.write(runs.collect(snakemake.input.metrics, snakemake.input.models), snakemake.output.runs)
tables.write(runs.collect_breakdowns(snakemake.input.breakdowns, snakemake.params.runs), snakemake.output.breakdown)
