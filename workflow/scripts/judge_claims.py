from hardneg.common import tables
from hardneg.common.files import write_text
from hardneg.common.log import log_to
from hardneg.statistics import claims

log_to(snakemake.log[0])
statistics = snakemake.params.statistics
judged = claims.judge(
    [claims.Claim(**claim) for claim in snakemake.params.claims],
    tables.read(snakemake.input.deltas),
    alpha=statistics["alpha"],
    power=statistics["power"],
)
page = claims.format_markdown(judged, statistics["p_adjustment"], statistics["power"], snakemake.params.note)
write_text(page, snakemake.output.claims)
tables.write(judged, snakemake.output.table)
