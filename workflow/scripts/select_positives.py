from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.experiments import positive_subsets
from hardneg.review.review_table import ReviewedPositive

log_to(snakemake.log[0])
subset = positive_subsets.PositiveSubset.from_config(snakemake.wildcards.positive_subset, snakemake.params.subset)
selected = positive_subsets.select_positives(
    tables.read(snakemake.input.recordings),
    subset,
    ranking=tables.read(snakemake.input.ranking) if snakemake.input.ranking else None,
    reviewed=[ReviewedPositive(*row) for row in snakemake.params.reviewed],
    pool=tables.read(snakemake.input.pool) if snakemake.input.pool else None,
)
tables.write(selected, snakemake.output.subset)
