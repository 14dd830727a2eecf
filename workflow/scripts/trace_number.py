from pathlib import Path

from hardneg.common import tables
from hardneg.common.files import write_text
from hardneg.common.log import log_to
from hardneg.experiments.run_description import RunDescription
from hardneg.report import audit_trail
from hardneg.statistics import run_pairs

log_to(snakemake.log[0])
folders = dict(zip(map(str, snakemake.params.folders), snakemake.params.runs, strict=True))
difference = audit_trail.select_difference(tables.read(snakemake.input.deltas), snakemake.params.cells)
pairs = run_pairs.find_runs_behind(difference, tables.read(snakemake.input.pairs), folders)
other_runs = tuple(f"{folder}/" for folder in folders if folder not in {*pairs.run, *pairs.baseline_run})
trail = audit_trail.AuditTrail(
    difference=difference,
    pairs=pairs,
    files=audit_trail.trace_file(snakemake.params.metadata, snakemake.input.deltas, other_runs),
    versions=RunDescription.read(Path(pairs.run.iloc[0], "model.json")).versions,
    recording_count=len(tables.read(snakemake.input.recordings, columns=["file_path"])),
)
write_text(audit_trail.render_trail(trail), snakemake.output.page)
