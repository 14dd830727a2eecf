from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.experiments import run_tables

log_to(snakemake.log[0])
tables.write(run_tables.collect(snakemake.input.metrics, snakemake.input.models), snakemake.output.runs)
tables.write(
    run_tables.collect_breakdowns(snakemake.input.breakdowns, snakemake.params.runs), snakemake.output.breakdown
)
