from hardneg import finished_runs, tables
from hardneg.log import log_to

log_to(snakemake.log[0])
columns, compared = snakemake.params.columns, snakemake.params.compared
runs = finished_runs.load(snakemake.input.runs, **columns)
tables.write(finished_runs.compare(runs, axes=list(columns["axes"]), **compared), snakemake.output.deltas)
