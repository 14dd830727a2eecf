from hardneg import classifiers, mining, ranking, tables
from hardneg.log import log_to

log_to(snakemake.log[0])
classifier = classifiers.Classifier(snakemake.input.model, **snakemake.params.wanted)
recordings = tables.read(snakemake.input.recordings)
windows = mining.windows_of_positives(recordings, tables.read(snakemake.input.index))
scored = classifiers.score_windows(classifier, windows, recordings, snakemake.params.audio_root, snakemake.threads)
tables.write(ranking.file_confidence(scored), snakemake.output.ranking)
