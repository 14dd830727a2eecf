import pandas as pd

from hardneg.audit import pool_audit, suspected_positives
from hardneg.common import tables
from hardneg.common.log import log_to

log_to(snakemake.log[0])
scores, recordings, near_duplicates = (
    tables.read(snakemake.input[name]) for name in ("scores", "recordings", "near_duplicates")
)
cross_fitted = suspected_positives.average_passes(pd.concat([tables.read(fold) for fold in snakemake.input.folds]))
validation = tables.read(snakemake.input.validation) if snakemake.input.validation else None
positives = None if validation is None else validation.confidence[validation.label == 1].to_numpy()
inputs = pool_audit.AuditInputs(scores, recordings, cross_fitted, near_duplicates, positives)
settings = pool_audit.AuditSettings(**snakemake.params.thresholds)
tables.write(pool_audit.flag_pool_files(inputs, settings), snakemake.output.audit)
