from hardneg import claims, tables
from hardneg.files import write_text
from hardneg.log import log_to

log_to(snakemake.log[0])
rules = snakemake.params.statistics
judged = claims.judge(snakemake.params.claims, tables.read(snakemake.input.deltas), rules["alpha"], rules["power"])
write_text(claims.as_markdown(judged, **rules, note=snakemake.params.note), snakemake.output.claims)
tables.write(judged, snakemake.output.table)
