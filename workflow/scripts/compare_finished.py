from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.statistics import external_runs

log_to(snakemake.log[0])
columns, compared = snakemake.params.columns, snakemake.params.compared
runs = external_runs.load(snakemake.input.runs, **columns)
tables.write(external_runs.compare(runs, axes=list(columns["axes"]), **compared), snakemake.output.deltas)
