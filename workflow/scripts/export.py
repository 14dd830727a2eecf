from hardneg import export
from hardneg.log import log_to

log_to(snakemake.log[0])
export.export(dict(snakemake.input.items()), dict(snakemake.output.items()), **snakemake.params.about)
