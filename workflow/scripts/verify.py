from hardneg.common.log import log_to
from hardneg.report import verification

log_to(snakemake.log[0])
print(verification.describe(verification.verify_results(snakemake.params.results, snakemake.threads)))
