from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.review import clips, review_page

log_to(snakemake.log[0])
scores, audited = tables.read(snakemake.input.scores), tables.read(snakemake.input.audit)
candidates = review_page.select_candidates(scores, audited, snakemake.params.tiers, snakemake.params.max_files)
settings = clips.ClipSettings(**snakemake.params.clips)
clip_table = clips.cut_clips(candidates, snakemake.output.clips, settings, snakemake.threads)
tables.write(clip_table, snakemake.output.clip_table)
tables.write(candidates, snakemake.output.candidates)
