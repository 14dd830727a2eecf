from hardneg.common import tables, torch_device
from hardneg.common.log import log_to
from hardneg.features import extractors

log_to(snakemake.log[0])
device = torch_device.select_device(snakemake.resources.device, snakemake.threads)
checked = tables.read(snakemake.input.checked)
usable = checked[checked.reason == ""]
what = {key: snakemake.params[key] for key in ("audio_root", "windows", "features")}
index = extractors.extract(
    usable, array_path=snakemake.output.array, device=device, processes=snakemake.threads, **what
)
tables.write(index, snakemake.output.index)
