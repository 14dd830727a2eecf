from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.mining import birdnet_classifiers

log_to(snakemake.log[0])
classifier = birdnet_classifiers.Classifier(snakemake.input.model, **snakemake.params.classifier)
index, checked = tables.read(snakemake.input.index), tables.read(snakemake.input.checked)
scored = birdnet_classifiers.score_windows(classifier, index, checked, snakemake.params.audio_root, snakemake.threads)
tables.write(scored, snakemake.output.windows)
