from hardneg.common import torch_device
from hardneg.common.log import log_to
from hardneg.experiments import split_scores

log_to(snakemake.log[0])
split_scores.score_arm(
    split_scores.ArmInputs(**dict(snakemake.input.items())),
    snakemake.output.scores,
    snakemake.params.model_input,
    window_score_paths=snakemake.output.window_scores,
    device=torch_device.select_device(snakemake.resources.device, snakemake.threads),
)
