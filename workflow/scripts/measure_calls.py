from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.experiments import call_metrics

log_to(snakemake.log[0])
measured = call_metrics.measure_runs(
    snakemake.input.window_scores,
    snakemake.params.runs,
    tables.read(snakemake.input.runs),
    tables.read(snakemake.input.recordings),
    snakemake.params.tolerance_s,
)
tables.write(measured, snakemake.output.calls)
