from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.synthetic import dataset, sounds

log_to(snakemake.log[0])
design = dataset.draw_design(**snakemake.params.generated)
sounds.render_recordings(design, snakemake.output.audio, snakemake.threads)
tables.write(design[["file_path", *dataset.TRUTH]], snakemake.output.truth)
tables.write(dataset.extract_manifest(design), snakemake.output.manifest)
