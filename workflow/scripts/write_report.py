from hardneg.common.log import log_to
from hardneg.report import report_page

log_to(snakemake.log[0])
context = report_page.gather(dict(snakemake.input.items()), **snakemake.params.shown)
report_page.write(snakemake.output.page, context, {name: snakemake.input[name] for name in snakemake.params.figures})
