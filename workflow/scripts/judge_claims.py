from hardneg.common import tables
from hardneg.common.files import write_text
from hardneg.common.log import log_to
from hardneg.statistics import claims

log_to(snakemake.log[0])
rules = snakemake.params.statistics
judged = claims.judge(snakemake.params.claims, tables.read(snakemake.input.deltas), rules["alpha"], rules["power"])
page = claims.as_markdown(judged, rules["p_adjustment"], rules["power"], snakemake.params.note)
write_text(page, snakemake.output.claims)
tables.write(judged, snakemake.output.table)
