from hardneg import interactions, tables
from hardneg.log import log_to

log_to(snakemake.log[0])
found = interactions.interaction_tests(tables.read(snakemake.input.runs), **snakemake.params.tested)
tables.write(found, snakemake.output.interactions)
