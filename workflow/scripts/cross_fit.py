import pandas as pd

from hardneg.audit import cross_fit, suspected_positives
from hardneg.common import tables, torch_device
from hardneg.common.log import log_to
from hardneg.models.training_settings import TrainingSettings

log_to(snakemake.log[0])
device = torch_device.select_device(snakemake.resources.device, snakemake.threads)
files = [tables.read(snakemake.input[name]) for name in ("labelled", "index", "scores", "pool_index")]
earlier = [tables.read(fold) for fold in snakemake.input.earlier]
left_out = suspected_positives.suspects(pd.concat(earlier), snakemake.params.percentile) if earlier else set()
windows, fold = cross_fit.compose(*files), int(snakemake.wildcards.fold)
fitted = snakemake.params.fitted | {"training": TrainingSettings(**snakemake.params.fitted["training"])}
scored = cross_fit.score_fold(*windows, left_out, fold, device=device, **fitted)
tables.write(scored, snakemake.output.scores)
