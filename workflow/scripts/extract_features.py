from hardneg.audio.windowing import WindowSpec
from hardneg.common import tables, torch_device
from hardneg.common.log import log_to
from hardneg.features import extractors
from hardneg.features.feature_settings import parse_features

log_to(snakemake.log[0])
device = torch_device.select_device(snakemake.resources.device, snakemake.threads)
checked = tables.read(snakemake.input.checked)
index = extractors.extract_features(
    checked[checked.reason == ""],
    snakemake.params.audio_root,
    snakemake.output.array,
    windows=WindowSpec.from_seconds(**snakemake.params.windows),
    settings=parse_features(snakemake.params.features),
    device=device,
    processes=snakemake.threads,
)
tables.write(index, snakemake.output.index)
