from hardneg import report
from hardneg.log import log_to

log_to(snakemake.log[0])
context = report.gather(dict(snakemake.input.items()), **snakemake.params.shown)
report.write(snakemake.output.page, context, {name: snakemake.input[name] for name in snakemake.params.figures})
