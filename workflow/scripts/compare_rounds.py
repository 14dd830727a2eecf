from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.mining import second_round

log_to(snakemake.log[0])
scores = [tables.read(snakemake.input[name]) for name in ("first", "second", "first_round_tier")]
tables.write(second_round.compare_rounds(*scores, snakemake.params.thresholds), snakemake.output.comparison)
