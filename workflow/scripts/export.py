from hardneg.common.log import log_to
from hardneg.export.detector import ExportInputs, ExportOutputs, ExportSettings, export_detector

log_to(snakemake.log[0])
export_detector(
    ExportInputs(**dict(snakemake.input.items())),
    ExportOutputs(**dict(snakemake.output.items())),
    ExportSettings(**snakemake.params.settings),
)
