from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.review import clips, review_page

log_to(snakemake.log[0])
scores, audited = tables.read(snakemake.input.scores), tables.read(snakemake.input.audit)
candidates = review_page.choose(scores, audited, snakemake.params.tiers, snakemake.params.most)
cut = clips.cut_all(candidates, folder=snakemake.output.clips, workers=snakemake.threads, **snakemake.params.cut)
tables.write(cut, snakemake.output.listed)
tables.write(candidates, snakemake.output.candidates)
