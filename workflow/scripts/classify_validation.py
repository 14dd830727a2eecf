from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.mining import birdnet_classifiers, window_scoring
from hardneg.models import inference

log_to(snakemake.log[0])
classifier = birdnet_classifiers.Classifier(snakemake.input.model, **snakemake.params.classifier)
recordings = tables.read(snakemake.input.recordings)
windows = window_scoring.select_validation_windows(recordings, tables.read(snakemake.input.index))
scored = birdnet_classifiers.score_windows(
    classifier, windows, recordings, snakemake.params.audio_root, snakemake.threads
)
tables.write(inference.collect_file_scores(windows, scored.confidence.to_numpy()), snakemake.output.scores)
