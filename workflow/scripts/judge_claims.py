from hardneg import claims, tables
from hardneg.files import write_text
from hardneg.log import log_to

log_to(snakemake.log[0])
rules = snakemake.params.statistics
judged = claims.judge(snakemake.params.claims, tables.read(snakemake.input.deltas), rules["alpha"], rules["power"])
page = claims.as_markdown(judged, rules["adjust"], rules["power"], snakemake.params.note)
write_text(page, snakemake.output.claims)
tables.write(judged, snakemake.output.table)
