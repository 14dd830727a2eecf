from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.mining import birdnet_label_counts, birdnet_labels

log_to(snakemake.log[0])
scores, index = tables.read(snakemake.input.scores), tables.read(snakemake.input.index)
labels = birdnet_labels.label_with_birdnet(scores, index)
tables.write(labels, snakemake.output.labels)
tiers = dict(zip(snakemake.params.tiers, map(tables.read, snakemake.input.tiers), strict=True))
tables.write(birdnet_label_counts.count_labels(labels, tiers), snakemake.output.counts)
