import pandas as pd

from hardneg.audit import pool_audit, suspected_positives
from hardneg.common import tables
from hardneg.common.log import log_to

log_to(snakemake.log[0])
scores, pool, copies = (tables.read(snakemake.input[name]) for name in ("scores", "recordings", "copies"))
fitted = suspected_positives.average(pd.concat([tables.read(fold) for fold in snakemake.input.folds]))
validation = tables.read(snakemake.input.validation) if snakemake.input.validation else None
positives = None if validation is None else validation.confidence[validation.label == 1].to_numpy()
tables.write(
    pool_audit.flag(scores, pool, fitted, copies, positives, snakemake.params.thresholds), snakemake.output.audit
)
