from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.mining import second_round

log_to(snakemake.log[0])
rounds = [tables.read(snakemake.input[name]) for name in ("first", "second", "taken")]
tables.write(second_round.compare(*rounds, snakemake.params.confidences), snakemake.output.comparison)
