from hardneg import soundscapes, synthesis, tables
from hardneg.log import log_to

log_to(snakemake.log[0])
design = soundscapes.design(**snakemake.params.generated)
synthesis.render(design, snakemake.output.audio, snakemake.threads)
tables.write(design[["file_path", *soundscapes.TRUTH]], snakemake.output.truth)
tables.write(soundscapes.manifest_of(design), snakemake.output.manifest)
