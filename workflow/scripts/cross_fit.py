from hardneg.audit import cross_fit, suspected_positives
from hardneg.common import tables, torch_device
from hardneg.common.log import log_to
from hardneg.models.training_settings import TrainingSettings

log_to(snakemake.log[0])
device = torch_device.select_device(snakemake.resources.device, 1)
files = [tables.read(snakemake.input[name]) for name in ("labelled", "index", "scores", "pool_index")]
earlier = [tables.read(scores) for scores in snakemake.input.earlier]
suspects = suspected_positives.find_suspects(earlier, snakemake.params.percentile)
windows, validation = cross_fit.collect_windows(*files)
training = TrainingSettings.from_config(snakemake.params.settings["training"])
settings = cross_fit.CrossFitSettings(**snakemake.params.settings | {"training": training})
scores = cross_fit.score_folds(windows, validation, suspects, settings, device, snakemake.threads)
tables.write(scores, snakemake.output.scores)
