from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.review import review_page, review_table

log_to(snakemake.log[0])
candidates, clips = tables.read(snakemake.input.candidates), tables.read(snakemake.input.listed)
answers = review_table.read(snakemake.params.review)
review_page.write(snakemake.output.page, candidates, clips, snakemake.input.clips, answers, **snakemake.params.shown)
