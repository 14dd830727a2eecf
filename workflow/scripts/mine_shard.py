from hardneg import checkpoints, devices, mining, tables
from hardneg.log import log_to

log_to(snakemake.log[0])
device = devices.choose(snakemake.resources.device, snakemake.threads)
network, _ = checkpoints.load(snakemake.input.model, snakemake.params.input)
index = tables.read(snakemake.input.index)
windows = mining.score_windows(network.to(device), index, snakemake.input.array, device, snakemake.threads)
tables.write(windows, snakemake.output.windows)
