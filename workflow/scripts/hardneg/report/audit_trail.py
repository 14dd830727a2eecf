"""Trace one number of the delta table back to the files and the jobs behind it."""

import base64
import hashlib
import json
import os
import re
from datetime import datetime
from pathlib import Path

import pandas as pd

from hardneg.common.display_names import METRIC_NAMES, SPLIT_NAMES
from hardneg.common.errors import InputError
from hardneg.common.formatting import format_number, format_points

LARGEST_HASHED = 100_000_000  # bytes, as Snakemake's own checksums of inputs (see profiles/)
FINGERPRINT = re.compile(r"^'[0-9a-f]{16}'$")
LONGEST_PARAMETER = 300
NAMED = ("vary", "value", "baseline", "split", "metric")


def choose(deltas: pd.DataFrame, wanted: dict) -> pd.Series:
    """The first row of the delta table whose cells are as wanted, compared as text.

    Raises
    ------
    InputError
        If a column does not exist, or no row has these cells.
    """
    unknown = [column for column in wanted if column not in deltas]
    if unknown:
        raise InputError(f"audit_trail: the delta table has no column {', '.join(unknown)}; it has {list(deltas)}.")
    rows = deltas
    for column, cell in wanted.items():
        rows = rows[rows[column].astype(str) == str(cell)]
        if rows.empty:
            there = ", ".join(map(str, deltas[column].unique()))
            raise InputError(
                f"audit_trail: no difference has {column} = {cell} besides the rest; {column} is: {there}."
            )
    return rows.iloc[0]


def record(metadata: str | os.PathLike, file: str) -> dict:
    """What Snakemake recorded of a file that it made; empty for another file.

    Parameters
    ----------
    metadata : the folder ``.snakemake/metadata``: a JSON file per output, named by the base64 of its path; one
        that is too long for the file system is cut into folders that begin with ``@``.
    """
    encoded = base64.urlsafe_b64encode(file.encode()).decode()
    longest = os.pathconf(metadata, "PC_NAME_MAX") - 1
    parts = [encoded[start : start + longest] for start in range(0, len(encoded), longest)]
    path = Path(metadata, *(f"@{part}" for part in parts[:-1]), parts[-1])
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def steps(metadata: str | os.PathLike, target: str, left_out: tuple[str, ...]) -> pd.DataFrame:
    """Walk back from one file to the raw inputs.

    Parameters
    ----------
    metadata : see :func:`record`.
    target : the file to start from.
    left_out : folders that the number does not depend on.

    Returns
    -------
    One row per file, the sources first: ``file, rule, made_from`` (a list), ``code`` (fingerprint of the script and of
    all that it imports), ``parameters``, ``ended`` (local time), ``seconds``, ``sha256`` of the file as it is now, and
    ``intact``: whether that is what the jobs that read it have read (missing where none recorded it).
    """
    rows, read = {}, {}

    def visit(file: str) -> None:
        if file in rows or file.startswith(left_out):
            return
        made = record(metadata, file)
        sources = [name for name in made.get("input") or [] if not name.startswith(left_out)]
        read.update({name: sum_.removeprefix("sha256:") for name, sum_ in (made.get("input_checksums") or {}).items()})
        for source in sources:
            visit(source)
        parameters = made.get("params") or []
        ended = made.get("endtime")
        rows[file] = {
            "file": file,
            "rule": made.get("rule", ""),
            "made_from": sources,
            "code": next((text.strip("'") for text in parameters if FINGERPRINT.match(text)), ""),
            "parameters": "; ".join(sorted(text for text in parameters if not FINGERPRINT.match(text))),
            "ended": datetime.fromtimestamp(ended).isoformat(" ", "seconds") if ended else "",
            "seconds": ended - made["starttime"] if ended else None,
            "sha256": _sha256(Path(file)),
        }

    visit(target)
    for file, row in rows.items():
        row["intact"] = row["sha256"] == read[file] if file in read and row["sha256"] else None
    return pd.DataFrame(list(rows.values()))


def page(row: pd.Series, pairs: pd.DataFrame, trail: pd.DataFrame, versions: dict, recordings: pd.DataFrame) -> str:
    """Write the trail as Markdown.

    Parameters
    ----------
    row : the number's row in the delta table.
    pairs : the differences that it is the mean of, from :func:`hardneg.statistics.comparison.runs_behind`.
    trail : from :func:`steps`.
    versions : of what computed the runs.
    recordings : the recordings used, for their counts.
    """
    held = [column for column in pairs if column in row.index and column not in NAMED]
    where = ", ".join(f"{axis.replace('_', ' ')} {row[axis]}" for axis in held if pd.notna(row[axis]))
    changed = trail[trail.intact.eq(False)]
    lines = [
        "# Where a number comes from",
        "",
        f"**{METRIC_NAMES[row.metric]}, {SPLIT_NAMES[row.split]}: {row.value} against {row.baseline}"
        f"{f' ({where})' if where else ''}: {format_points(row.difference)} points** "
        f"[{format_points(row.ci_low)}, {format_points(row.ci_high)}], adjusted p {format_number(row.p_adjusted)}: {row.verdict}.",
        "",
        "It is the mean of these differences, at the thresholds frozen on validation:",
        "",
        "| seed | its score | the baseline's | difference | its run | the baseline's run |",
        "|---|---|---|---|---|---|",
        *(
            f"| {pair.seed} | {format_number(pair.score, 4)} | {format_number(pair.score_baseline, 4)} | {format_points(pair.change)} | "
            f"`{pair.run}` | `{pair.baseline_run}` |"
            for pair in pairs.itertuples()
        ),
        "",
        f"{len(recordings)} recordings were used; the SHA-256 of each one's samples is in `inputs/recordings.parquet`. "
        "The runs were computed with " + ", ".join(f"{name} {version}" for name, version in versions.items()) + ".",
        "",
        f"Of the {len(trail)} files below, {len(changed)} differ from what the jobs that used them have read"
        + (": " + ", ".join(f"`{name}`" for name in changed.file) if len(changed) else "")
        + ".",
        "",
        "## Every file behind it, the sources first",
        "",
    ]
    for step in trail.itertuples():
        state = {True: ", as read", False: ", **changed since it was read**"}.get(step.intact, "")
        lines += [f"### `{step.file}`", "", f"SHA-256 {step.sha256 or '(large or gone)'}{state}.", ""]
        if step.rule:
            lines += [
                f"Made by rule `{step.rule}` (code {step.code}) in {format_number(step.seconds, 1)} s, {step.ended}, from "
                + (", ".join(f"`{name}`" for name in step.made_from) or "nothing")
                + ".",
                "",
                *([f"Parameters: `{_short(step.parameters)}`", ""] if step.parameters else []),
            ]
        else:
            lines += ["Not made by this workflow, or its record is gone.", ""]
    return "\n".join(lines)


def _short(text: str) -> str:
    text = text.replace("`", "'")
    return text if len(text) <= LONGEST_PARAMETER else f"{text[:LONGEST_PARAMETER]} ..."


def _sha256(path: Path) -> str:
    if not path.is_file() or path.stat().st_size > LARGEST_HASHED:
        return ""
    return hashlib.sha256(path.read_bytes()).hexdigest()
