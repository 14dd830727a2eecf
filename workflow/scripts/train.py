from hardneg.common import torch_device
from hardneg.common.log import log_to
from hardneg.experiments import training_run
from hardneg.models.training_settings import TrainingSettings

log_to(snakemake.log[0])
training_run.train_run(
    dict(snakemake.input.items()),
    dict(snakemake.output.items()),
    run=snakemake.params.run,
    seed=snakemake.params.seed,
    training=TrainingSettings(**snakemake.params.training),
    input=snakemake.params.input,
    device=torch_device.select_device(snakemake.resources.device, snakemake.threads),
)
