from hardneg import backbones, devices, tables
from hardneg.log import log_to

log_to(snakemake.log[0])
device = devices.choose(snakemake.resources.device, snakemake.threads)
checked = tables.read(snakemake.input.checked)
usable = checked[checked.reason == ""]
what = {key: snakemake.params[key] for key in ("audio_root", "windows", "features")}
index = backbones.extract(usable, array_path=snakemake.output.array, device=device, processes=snakemake.threads, **what)
tables.write(index, snakemake.output.index)
