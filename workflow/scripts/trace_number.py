from pathlib import Path

from hardneg.common import tables
from hardneg.common.files import write_text
from hardneg.common.log import log_to
from hardneg.report import audit_trail
from hardneg.statistics import comparison

log_to(snakemake.log[0])
folders = dict(zip(map(str, snakemake.params.folders), snakemake.params.runs, strict=True))
row = audit_trail.choose(tables.read(snakemake.input.deltas), snakemake.params.wanted)
pairs = comparison.runs_behind(row, tables.read(snakemake.input.pairs), folders)
behind = {*pairs.run, *pairs.baseline_run}
left_out = tuple(f"{folder}/" for folder in folders if folder not in behind)
trail = audit_trail.steps(snakemake.params.metadata, snakemake.input.deltas, left_out)
versions = tables.read_json(Path(pairs.run.iloc[0], "model.json"))["versions"]
recordings = tables.read(snakemake.input.recordings, columns=["file_path"])
write_text(audit_trail.page(row, pairs, trail, versions, recordings), snakemake.output.page)
