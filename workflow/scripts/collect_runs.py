from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.experiments import run_tables
from hardneg.experiments.evaluation import EvaluationSettings
from hardneg.models.thresholds import ThresholdRule

log_to(snakemake.log[0])
rule = ThresholdRule(**snakemake.params.threshold)
settings = EvaluationSettings(rule=rule, **snakemake.params.measures)
collected = run_tables.collect_runs(snakemake.input.scores, snakemake.input.models, snakemake.params.runs, settings)
tables.write(collected.runs, snakemake.output.runs)
tables.write(collected.breakdown, snakemake.output.breakdown)
