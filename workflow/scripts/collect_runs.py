from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.experiments import run_tables

log_to(snakemake.log[0])
runs = run_tables.collect_runs(snakemake.input.metrics, snakemake.input.models)
breakdown = run_tables.collect_breakdowns(snakemake.input.breakdowns, snakemake.params.runs)
tables.write(runs, snakemake.output.runs)
tables.write(breakdown, snakemake.output.breakdown)
