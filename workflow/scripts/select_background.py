from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.models import background

log_to(snakemake.log[0])
tiers = [tables.read(tier) for tier in snakemake.input.tiers]
windows = background.select_unmined(tables.read(snakemake.input.pool_index), tiers)
tables.write(windows, snakemake.output.background)
