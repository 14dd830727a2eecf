from hardneg.common import torch_device
from hardneg.common.log import log_to
from hardneg.experiments import training_run
from hardneg.models.training_settings import TrainingSettings

log_to(snakemake.log[0])
settings = training_run.RunSettings(
    axes=snakemake.params.run,
    seed=snakemake.params.seed,
    training=TrainingSettings.from_config(snakemake.params.training),
    model_input=snakemake.params.model_input,
    aggregation=snakemake.params.aggregation,
    leave_out_empty=snakemake.params.leave_out_empty,
)
training_run.train_run(
    training_run.RunInputs(**dict(snakemake.input.items())),
    training_run.RunOutputs(**dict(snakemake.output.items())),
    settings,
    device=torch_device.select_device(snakemake.resources.device, snakemake.threads),
)
