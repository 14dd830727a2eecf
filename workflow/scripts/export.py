from hardneg.common.log import log_to
from hardneg.export import detector

log_to(snakemake.log[0])
detector.export(dict(snakemake.input.items()), dict(snakemake.output.items()), **snakemake.params.about)
