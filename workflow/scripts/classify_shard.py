from hardneg import classifiers, tables
from hardneg.log import log_to

log_to(snakemake.log[0])
classifier = classifiers.Classifier(snakemake.input.model, **snakemake.params.wanted)
index, checked = tables.read(snakemake.input.index), tables.read(snakemake.input.checked)
scored = classifiers.score_windows(classifier, index, checked, snakemake.params.audio_root, snakemake.threads)
tables.write(scored, snakemake.output.windows)
