from hardneg.common import tables, torch_device
from hardneg.common.log import log_to
from hardneg.experiments import evaluation
from hardneg.models import checkpoints
from hardneg.models.thresholds import ThresholdRule

log_to(snakemake.log[0])
device = torch_device.select_device(snakemake.resources.device, snakemake.threads)
network = checkpoints.load(snakemake.input.model, snakemake.params.model_input)
recordings, index = evaluation.read_test_files(
    snakemake.input.recordings, snakemake.input.index, snakemake.input.pool, snakemake.input.pool_index
)
validation_scores = tables.read(snakemake.input.validation_scores)
scores = evaluation.score_splits(network.to(device), recordings, index, validation_scores, device)
rule = ThresholdRule(**snakemake.params.threshold)
metrics = evaluation.measure_splits(scores, rule=rule, **snakemake.params.measures)
breakdown = evaluation.break_down_detections(scores, metrics.threshold.iloc[0])
tables.write(scores, snakemake.output.scores)
tables.write(metrics, snakemake.output.metrics)
tables.write(breakdown, snakemake.output.breakdown)
