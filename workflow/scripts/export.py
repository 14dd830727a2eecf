from hardneg.common.log import log_to
from hardneg.experiments.evaluation import EvaluationSettings
from hardneg.export.detector import ExportInputs, ExportOutputs, ExportSettings, export_detector
from hardneg.models.thresholds import ThresholdRule

log_to(snakemake.log[0])
rule = ThresholdRule(**snakemake.params.threshold)
evaluation = EvaluationSettings(rule=rule, **snakemake.params.measures)
export_detector(
    ExportInputs(**dict(snakemake.input.items())),
    ExportOutputs(**dict(snakemake.output.items())),
    ExportSettings(evaluation=evaluation, **snakemake.params.settings),
)
