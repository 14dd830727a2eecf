from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.statistics import external_runs

log_to(snakemake.log[0])
columns = external_runs.RunColumns.from_config(**snakemake.params.columns)
groups = [external_runs.RunGroup(**group) for group in snakemake.params.groups]
statistics = snakemake.params.statistics
runs = external_runs.load(snakemake.input.runs, columns)
deltas = external_runs.compare(runs, groups, list(columns.axes), **statistics)
tables.write(deltas, snakemake.output.deltas)
