from hardneg.common import torch_device
from hardneg.common.log import log_to
from hardneg.experiments import training_run

log_to(snakemake.log[0])
device = torch_device.choose(snakemake.resources.device, snakemake.threads)
what = {key: snakemake.params[key] for key in ("run", "seed", "training", "input")}
training_run.train_run(dict(snakemake.input.items()), dict(snakemake.output.items()), device=device, **what)
