from hardneg import review, review_page, tables
from hardneg.log import log_to

log_to(snakemake.log[0])
candidates, clips = tables.read(snakemake.input.candidates), tables.read(snakemake.input.listed)
answers = review.read(snakemake.params.review)
review_page.write(snakemake.output.page, candidates, clips, snakemake.input.clips, answers, **snakemake.params.shown)
