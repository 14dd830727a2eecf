from hardneg.audit import pool_audit, suspected_positives
from hardneg.common import tables
from hardneg.common.log import log_to

log_to(snakemake.log[0])
inputs = pool_audit.AuditInputs(
    scores=tables.read(snakemake.input.scores),
    recordings=tables.read(snakemake.input.recordings),
    cross_fitted=suspected_positives.average_passes([tables.read(fold) for fold in snakemake.input.folds]),
    near_duplicates=tables.read(snakemake.input.near_duplicates),
    validation_scores=tables.read(snakemake.input.validation) if snakemake.input.validation else None,
)
settings = pool_audit.AuditSettings(**snakemake.params.thresholds)
tables.write(pool_audit.flag_pool_files(inputs, settings), snakemake.output.audit)
