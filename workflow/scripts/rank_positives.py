from hardneg import checkpoints, devices, mining, tables
from hardneg.log import log_to

log_to(snakemake.log[0])
device = devices.choose(snakemake.resources.device, snakemake.threads)
network, _ = checkpoints.load(snakemake.input.model, snakemake.params.input)
recordings, index = tables.read(snakemake.input.recordings), tables.read(snakemake.input.index)
tables.write(mining.rank_positives(network.to(device), recordings, index, device), snakemake.output.ranking)
