from hardneg.common import tables, torch_device
from hardneg.common.log import log_to
from hardneg.experiments import evaluation
from hardneg.models import checkpoints

log_to(snakemake.log[0])
device = torch_device.select_device(snakemake.resources.device, snakemake.threads)
network, _ = checkpoints.load(snakemake.input.model, snakemake.params.input)
files = [tables.read(snakemake.input[name]) for name in ("recordings", "index", "validation_scores")]
scores = evaluation.score_splits(network.to(device), *files, device)
measured = evaluation.measure(scores, **snakemake.params.measures)
tables.write(scores, snakemake.output.scores)
tables.write(measured, snakemake.output.metrics)
tables.write(evaluation.break_down(scores, measured.threshold.iloc[0]), snakemake.output.breakdown)
