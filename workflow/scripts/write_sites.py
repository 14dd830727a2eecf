from hardneg.common import tables
from hardneg.common.files import write_text
from hardneg.common.log import log_to
from hardneg.report import site_page

log_to(snakemake.log[0])
contents = site_page.collect_contents(
    tables.read(snakemake.input.by_site),
    tables.read(snakemake.input.sites),
    snakemake.params.target,
    snakemake.params.alpha,
    snakemake.params.left_out,
)
site_page.write_page(contents, snakemake.output.page)
write_text(site_page.format_summary(contents), snakemake.output.text)
