from hardneg import devices, experiment
from hardneg.log import log_to

log_to(snakemake.log[0])
device = devices.choose(snakemake.resources.device, snakemake.threads)
what = {key: snakemake.params[key] for key in ("run", "seed", "training", "input")}
experiment.train_run(dict(snakemake.input.items()), dict(snakemake.output.items()), device=device, **what)
