from hardneg import second_round, tables
from hardneg.log import log_to

log_to(snakemake.log[0])
rounds = [tables.read(snakemake.input[name]) for name in ("first", "second", "taken")]
tables.write(second_round.compare(*rounds, snakemake.params.confidences), snakemake.output.comparison)
