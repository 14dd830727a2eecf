from hardneg.common import tables, torch_device
from hardneg.common.log import log_to
from hardneg.mining import window_scoring
from hardneg.models import checkpoints

log_to(snakemake.log[0])
device = torch_device.select_device(snakemake.resources.device, snakemake.threads)
network = checkpoints.load(snakemake.input.model, snakemake.params.model_input)
index = tables.read(snakemake.input.index)
windows = window_scoring.score_windows(network.to(device), index, snakemake.input.array, device, snakemake.threads)
tables.write(windows, snakemake.output.windows)
