from hardneg.common import torch_device
from hardneg.common.log import log_to
from hardneg.experiments import run_evaluation
from hardneg.models.thresholds import ThresholdRule

log_to(snakemake.log[0])
settings = run_evaluation.EvaluationSettings(
    model_input=snakemake.params.model_input,
    rule=ThresholdRule(**snakemake.params.threshold),
    **snakemake.params.measures,
)
run_evaluation.evaluate_run(
    run_evaluation.EvaluationInputs(**dict(snakemake.input.items())),
    run_evaluation.EvaluationOutputs(**dict(snakemake.output.items())),
    settings,
    device=torch_device.select_device(snakemake.resources.device, snakemake.threads),
)
