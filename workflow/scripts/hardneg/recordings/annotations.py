"""Turn tables of annotations, as Raven or Audacity write them, into rows of a manifest with a start and an end."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from hardneg.audio.unfinished_headers import open_recording
from hardneg.common.errors import InputError
from hardneg.common.log import logger
from hardneg.recordings import detection_tables
from hardneg.recordings.path_matching import match_paths
from hardneg.recordings.stretches import COMPLETE

SUFFIXES = (".csv", ".txt", ".tsv")
LISTED_NAMES, LISTED_FILES = 20, 3
USED, UNMATCHED, IN_POOL, BEYOND_END = "used", "unmatched", "in the pool", "beyond the end"


@dataclass(frozen=True, slots=True)
class Annotations:
    """The contents of tables.

    Attributes
    ----------
    rows : ``file_path`` (as the table writes it), ``start_s, end_s, scientific_name, common_name``.
    paths : the recordings that the tables are about, as they write them, also those without an annotation.
    skipped : files in the folders that are no such tables.
    """

    rows: pd.DataFrame
    paths: list[str]
    skipped: list[str]


@dataclass(frozen=True, slots=True)
class AnnotatedManifest:
    """A manifest with labeled stretches.

    Attributes
    ----------
    table : one row per call, and one for each recording without any.
    notes : what fits and what does not, for the terminal.
    """

    table: pd.DataFrame
    notes: list[str]


def read_annotations(paths: Sequence[str | os.PathLike[str]]) -> Annotations:
    """Read tables of annotations, and those at any depth of folders.

    :func:`hardneg.recordings.detection_tables.read_detections` reads each. A table that does not name its recording is
    named after it. A table without a row shows that its recording has no annotation.

    Raises
    ------
    InputError
        If a path does not exist, a file is not such a table, or there is none.
    """
    parts, names, skipped = [], [], []
    for path in map(Path, paths):
        if not path.exists():
            raise InputError(f"{path} does not exist. Correct --annotations.")
        files = (
            sorted(child for child in path.rglob("*") if child.suffix.lower() in SUFFIXES) if path.is_dir() else [path]
        )
        folder = path if path.is_dir() else None
        for file in files:
            if path.is_dir() and not detection_tables.is_detection_table(file):
                skipped.append(str(file))
                continue
            rows = detection_tables.read_detections(file, folder)
            parts.append(rows)
            names += list(rows.file_path) or [detection_tables.name_recording(file, folder)]
    if not parts:
        raise InputError(
            f"{', '.join(map(str, paths))}: no table of annotations ({', '.join(SUFFIXES)}) of Raven, Audacity or "
            "BirdNET, and no CSV with start_s, end_s and label. Correct --annotations."
        )
    return Annotations(pd.concat(parts, ignore_index=True), list(dict.fromkeys(names)), skipped)


def select_calls(annotations: pd.DataFrame, labels: Sequence[str]) -> pd.DataFrame:
    """Select the annotations of the target.

    Parameters
    ----------
    annotations : ``scientific_name, common_name`` and others.
    labels : names of the target; case and spaces at their ends do not matter. May be empty if all annotations have one
        name.

    Raises
    ------
    InputError
        If a label is not the name of any annotation, or none is given and there are several. The message lists them.
    """
    names = annotations[["scientific_name", "common_name"]].apply(lambda cells: cells.str.strip().str.casefold())
    known = annotations.common_name.where(annotations.common_name != "", annotations.scientific_name).str.strip()
    counts = known.value_counts()
    listed = ", ".join(f"'{name}' ({count})" for name, count in counts.head(LISTED_NAMES).items())
    if not labels:
        if known.str.casefold().nunique() > 1:
            raise InputError(f"the annotations have several names: {listed}. Name the target with --label.")
        return annotations
    wanted = [label.strip().casefold() for label in labels]
    missing = [label for label, name in zip(labels, wanted, strict=True) if not (names == name).any(axis=None)]
    if missing:
        raise InputError(f"no annotation is called '{missing[0]}'. They are called: {listed}. Correct --label.")
    return annotations[names.isin(wanted).any(axis=1)]


def add_annotations(
    manifest: pd.DataFrame,
    annotations: Annotations,
    labels: Sequence[str],
    audio_root: str | os.PathLike[str],
    complete: bool = False,
) -> AnnotatedManifest:
    """Label the recordings of a manifest with the stretches that tables annotate.

    A recording with a call gets a positive row for each. With `complete`, a recording that a table is about and that
    has no call is negative, and the rest of every annotated recording counts as free of calls. Otherwise, what
    is between the annotations is unknown. The pool keeps its rows.

    Parameters
    ----------
    manifest : one row per recording, with at least ``file_path, label, recorder_id, split``.
    labels : see :func:`select_calls`.
    audio_root : the folder of the recordings.
    complete : whether the tables list all calls of a recording.
    """
    calls = select_calls(annotations.rows, labels)
    matches = match_paths(annotations.paths, manifest)
    calls = calls.assign(file_path=calls.file_path.map(matches.matched))
    in_pool = manifest.file_path[manifest.split != ""]
    lengths = {path: _measure_length(Path(audio_root, path)) for path in calls.file_path.dropna().unique()}
    outcome = np.select(
        [calls.file_path.isna(), calls.file_path.isin(in_pool), calls.start_s >= calls.file_path.map(lengths)],
        [UNMATCHED, IN_POOL, BEYOND_END],
        default=USED,
    )
    used = calls[outcome == USED].drop_duplicates(["file_path", "start_s", "end_s"])
    table = manifest.copy()
    is_annotated = table.file_path.isin(matches.matched.values()) & ~table.file_path.isin(in_pool)
    is_silent = is_annotated & ~table.file_path.isin(used.file_path)
    if complete:
        table.loc[is_silent, "label"] = "negative"
    table["annotated"] = (is_annotated & complete).map({True: COMPLETE, False: ""})
    notes = [
        f"{len(annotations.paths)} annotated recording(s) in the tables: {len(matches.matched)} fit the folder, "
        f"{used.file_path.nunique()} have calls ({len(used)} in all), {int(is_silent.sum())} have none.",
        *(f"annotations: {problem}" for problem in matches.describe_problems()),
        *_describe_left_out(outcome, annotations.skipped),
    ]
    unnamed = int((~is_annotated & (table.label == "")).sum())
    if unnamed:
        notes.append(f"{unnamed} recording(s) have neither a table nor a label: they may contain calls.")
    if is_silent.any() and not complete:
        notes.append(
            f"{int(is_silent.sum())} annotated recording(s) without a call have no label. If the tables list every "
            "call, add --complete."
        )
    return AnnotatedManifest(_insert_stretches(table, used), notes)


def _insert_stretches(table: pd.DataFrame, calls: pd.DataFrame) -> pd.DataFrame:
    """Replace the row of each recording with calls by one row per call."""
    stretches = calls[["file_path", "start_s", "end_s"]].assign(label="positive")
    timed = table.drop(columns="label").merge(stretches, on="file_path").sort_values(["file_path", "start_s"])
    times = {name: timed[name].map("{:.6g}".format) for name in ("start_s", "end_s")}
    whole = table[~table.file_path.isin(calls.file_path)].assign(start_s="", end_s="")
    joined = pd.concat([whole, timed.assign(**times)])
    return joined.sort_values("file_path", kind="stable", ignore_index=True)


def _describe_left_out(outcome: npt.NDArray[np.str_], skipped: Sequence[str]) -> list[str]:
    reasons = {
        UNMATCHED: "are left out, because their recording is not certain",
        IN_POOL: "are in recordings of the pool, which must have none: move these recordings",
        BEYOND_END: "begin after the end of their recording, and are left out",
    }
    notes = [f"{(outcome == key).sum()} call(s) {text}." for key, text in reasons.items() if (outcome == key).any()]
    if skipped:
        listed = ", ".join(skipped[:LISTED_FILES])
        notes.append(f"{len(skipped)} file(s) are no tables of annotations, and are skipped: {listed}.")
    return notes


def _list_files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(child for child in path.rglob("*") if child.suffix.lower() in SUFFIXES and child.is_file())


def _measure_length(path: Path) -> float:
    """Read the length of a recording (s) from its header; infinity if it cannot be read, which the check reports."""
    try:
        with open_recording(path) as recording:
            return float(recording.frames / recording.samplerate)
    except (OSError, RuntimeError) as error:
        logger.warning("%s cannot be opened: %s", path, error)
        return float("inf")
