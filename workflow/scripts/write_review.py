from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.review import review_page, review_table

log_to(snakemake.log[0])
candidates, clips = tables.read(snakemake.input.candidates), tables.read(snakemake.input.clip_table)
answers = review_table.read_review(**snakemake.params.review)
settings = review_page.PageSettings(**snakemake.params.settings)
review_page.write_page(snakemake.output.page, candidates, clips, snakemake.input.clips, answers, settings)
