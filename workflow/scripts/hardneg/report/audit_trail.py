"""Trace one number of the table of differences back to the files and the jobs behind it."""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from hardneg.common.display_names import METRIC_NAMES, SPLIT_NAMES
from hardneg.common.errors import InputError
from hardneg.common.formatting import format_number
from hardneg.common.job_records import read_job_record
from hardneg.models.metrics import MATCHED_METRICS, RANKING_METRICS
from hardneg.report.findings import explain_verdict, format_difference, format_interval, format_verdict

LARGEST_HASHED = 100_000_000  # bytes; Snakemake stores no checksum of larger inputs (see profiles/)
FINGERPRINT = re.compile(r"^'[0-9a-f]{16}'$")
LONGEST_PARAMETERS = 300  # characters
TITLE_COLUMNS = ("vary", "value", "baseline", "split", "metric")


@dataclass(frozen=True, slots=True)
class TracedFile:
    """A file behind the number, and the job that made it.

    Attributes
    ----------
    path : of the file.
    rule : that made it; empty where Snakemake has no record of it, and with it all that follows but `sha256`.
    inputs : files that the job read.
    code : fingerprint of the rule's script and of everything that the script imports.
    parameters : of the rule, as text.
    ended : local time.
    seconds : that the job took.
    sha256 : of the file today; empty where it is large or missing.
    read_sha256 : of the file when a job read it; None where no job recorded it.
    """

    path: str
    rule: str
    inputs: list[str]
    code: str
    parameters: str
    ended: str
    seconds: float | None
    sha256: str
    read_sha256: str | None

    @property
    def unchanged(self) -> bool | None:
        """Whether the file is the one that later jobs read; None where that is not known."""
        return self.sha256 == self.read_sha256 if self.sha256 and self.read_sha256 is not None else None


@dataclass(frozen=True, slots=True)
class AuditTrail:
    """Everything behind one number.

    Attributes
    ----------
    difference : the number's row of the table of differences.
    pairs : the differences that it is the mean of, from :func:`hardneg.statistics.run_pairs.find_runs_behind`.
    files : from :func:`trace_file`.
    versions : of the software that computed the runs.
    recording_count : number of recordings that were used.
    """

    difference: pd.Series
    pairs: pd.DataFrame
    files: list[TracedFile]
    versions: Mapping[str, str]
    recording_count: int


def select_difference(deltas: pd.DataFrame, cells: dict[str, Any]) -> pd.Series:
    """Select the first row of the table of differences that has these cells, compared as text.

    Raises
    ------
    InputError
        If a column does not exist, or no row has these cells.
    """
    unknown = [column for column in cells if column not in deltas]
    if unknown:
        raise InputError(
            f"audit_trail: deltas.csv has no column {', '.join(unknown)}. Use one of: {', '.join(deltas.columns)}."
        )
    rows = deltas
    for column, cell in cells.items():
        matches = rows[rows[column].astype(str) == str(cell)]
        if matches.empty:
            values = ", ".join(map(str, rows[column].unique()))
            raise InputError(
                f"audit_trail: no row of deltas.csv has {column} = {cell} together with the other cells. "
                f"Use one of: {values}."
            )
        rows = matches
    return rows.iloc[0]


def trace_file(metadata: str | os.PathLike[str], target: str, ignored: tuple[str, ...]) -> list[TracedFile]:
    """Walk back from one file to the raw inputs.

    Parameters
    ----------
    metadata : see :data:`hardneg.common.job_records.METADATA`.
    target : the file to start from.
    ignored : folders that the number does not depend on.

    Returns
    -------
    Every file behind `target`, sources before the files made from them.
    """
    records: dict[str, dict[str, Any]] = {}
    inputs: dict[str, list[str]] = {}
    read_sums: dict[str, str] = {}

    def visit(path: str) -> None:
        if path in inputs:
            return
        record = read_job_record(metadata, path)
        checksums = (record.get("input_checksums") or {}).items()
        read_sums.update({name: checksum.removeprefix("sha256:") for name, checksum in checksums})
        sources = [name for name in record.get("input") or [] if not name.startswith(ignored)]
        for source in sources:
            visit(source)
        records[path], inputs[path] = record, sources

    visit(target)
    return [_describe_file(path, record, inputs[path], read_sums.get(path)) for path, record in records.items()]


def render_trail(trail: AuditTrail) -> str:
    """Render the trail as Markdown."""
    row = trail.difference
    axes = [column for column in trail.pairs if column in row.index and column not in TITLE_COLUMNS]
    configuration = ", ".join(f"{axis.replace('_', ' ')} {row[axis]}" for axis in axes if pd.notna(row[axis]))
    versions = ", ".join(f"{name} {version}" for name, version in trail.versions.items())
    changed = [file for file in trail.files if file.unchanged is False]
    interval = f" {format_interval(row)}" if format_interval(row) else ""
    reason = f" ({explain_verdict(row)})" if explain_verdict(row) else ""
    lines = [
        "# Where a number comes from",
        "",
        f"**{METRIC_NAMES[row.metric]}, {SPLIT_NAMES[row.split]}: {row['value']} compared with {row.baseline}"
        f"{f' ({configuration})' if configuration else ''}: {format_difference(row)}**{interval}, "
        f"adjusted p {format_number(row.p_adjusted)}: {format_verdict(row, unit=True)}{reason}.",
        "",
        f"Of the {len(trail.files)} files behind this number, {len(changed)} changed after a job read them"
        + (": " + ", ".join(f"`{file.path}`" for file in changed) if changed else "")
        + ".",
        "",
        f"The number is the mean of these differences{_describe_operating_point(row.metric)}:",
        "",
        f"| seed | {row['value']} | {row.baseline} | difference | run | baseline run |",
        "|---|---|---|---|---|---|",
        *(
            f"| {pair.seed} | {format_number(pair.score, 4)} | {format_number(pair.score_baseline, 4)} | "
            f"{_format_change(row, pair.change)} | `{pair.run}` | `{pair.baseline_run}` |"
            for pair in trail.pairs.itertuples()
        ),
        "",
        f"{trail.recording_count} recordings were used. `inputs/recordings.parquet` has the SHA-256 of the samples of "
        "each one.",
        "",
        f"The runs were computed with {versions}.",
        "",
        "## Every file behind the number, sources first",
        "",
    ]
    return "\n".join([*lines, *(line for file in trail.files for line in _render_file(file))])


def _describe_operating_point(metric: str) -> str:
    if metric in RANKING_METRICS:
        return ", which need no threshold"
    if metric in MATCHED_METRICS:
        return ", at the operating point of the baseline"
    return ", at the thresholds frozen on validation"


def _format_change(row: pd.Series, change: float) -> str:
    return format_difference({"metric": row.metric, "difference": change}, unit=False)


def _render_file(file: TracedFile) -> list[str]:
    state = {True: ", unchanged since a job read it", False: ", **changed since a job read it**", None: ""}
    lines = [
        f"### `{file.path}`",
        "",
        f"SHA-256 {file.sha256 or '(too large, or missing)'}{state[file.unchanged]}.",
        "",
    ]
    if not file.rule:
        return [*lines, "This workflow did not make the file, or its record is gone.", ""]
    sources = ", ".join(f"`{name}`" for name in file.inputs) or "no file"
    lines += [
        f"Made by rule `{file.rule}` (code {file.code}) in {format_number(file.seconds, 1)} s, {file.ended}, "
        f"from {sources}.",
        "",
    ]
    return [*lines, f"Parameters: `{_shorten(file.parameters)}`", ""] if file.parameters else lines


def _describe_file(path: str, record: dict[str, Any], inputs: list[str], read_sha256: str | None) -> TracedFile:
    parameters = record.get("params") or []
    ended = record.get("endtime")
    return TracedFile(
        path=path,
        rule=record.get("rule", ""),
        inputs=inputs,
        code=next((text.strip("'") for text in parameters if FINGERPRINT.match(text)), ""),
        parameters="; ".join(sorted(text for text in parameters if not FINGERPRINT.match(text))),
        ended=datetime.fromtimestamp(ended).isoformat(" ", "seconds") if ended else "",
        seconds=ended - record["starttime"] if ended else None,
        sha256=_sha256(Path(path)),
        read_sha256=read_sha256,
    )


def _shorten(text: str) -> str:
    text = text.replace("`", "'")
    return text if len(text) <= LONGEST_PARAMETERS else f"{text[:LONGEST_PARAMETERS]} ..."


def _sha256(path: Path) -> str:
    if not path.is_file() or path.stat().st_size > LARGEST_HASHED:
        return ""
    return hashlib.sha256(path.read_bytes()).hexdigest()
