from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.statistics import site_comparison

log_to(snakemake.log[0])
by_site, means = site_comparison.compare_sites(
    [tables.read(path) for path in snakemake.input.deltas], snakemake.params.sites, **snakemake.params.statistics
)
tables.write(by_site, snakemake.output.by_site)
tables.write(means, snakemake.output.sites)
