from dataclasses import asdict

import pandas as pd

from hardneg.audit import pool_audit, reliability, suspected_positives
from hardneg.common import tables
from hardneg.common.log import log_to

log_to(snakemake.log[0])
cross_fitted = suspected_positives.average_passes([tables.read(scores) for scores in snakemake.input.passes])
suspicion = suspected_positives.derive_threshold(cross_fitted, snakemake.params.percentile)
assessed = reliability.assess_reliability(cross_fitted, suspicion, snakemake.params.exclude_suspected)
inputs = pool_audit.AuditInputs(
    scores=tables.read(snakemake.input.scores),
    recordings=tables.read(snakemake.input.recordings),
    cross_fitted=cross_fitted,
    suspicion=suspicion,
    is_excluded=assessed.is_excluded,
    near_duplicates=tables.read(snakemake.input.near_duplicates),
)
settings = pool_audit.AuditSettings(**snakemake.params.thresholds)
tables.write(pool_audit.flag_pool_files(inputs, settings), snakemake.output.audit)
tables.write(pd.DataFrame([asdict(assessed)]), snakemake.output.reliability)
