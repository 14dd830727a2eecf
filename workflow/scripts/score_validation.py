from hardneg.common import tables, torch_device
from hardneg.common.log import log_to
from hardneg.mining import window_scoring
from hardneg.models import checkpoints

log_to(snakemake.log[0])
device = torch_device.select_device(snakemake.resources.device, snakemake.threads)
network = checkpoints.load(snakemake.input.model, snakemake.params.model_input)
recordings, index = tables.read(snakemake.input.recordings), tables.read(snakemake.input.index)
tables.write(window_scoring.score_validation(network.to(device), recordings, index, device), snakemake.output.scores)
