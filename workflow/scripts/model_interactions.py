from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.statistics import interactions

log_to(snakemake.log[0])
tests = interactions.run_interaction_tests(tables.read(snakemake.input.runs), **snakemake.params.settings)
tables.write(tests, snakemake.output.interactions)
