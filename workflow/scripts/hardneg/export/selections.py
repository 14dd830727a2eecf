"""Write the detections of a finished run, or the answers of reviewers, as Raven selection tables."""

import os
from pathlib import Path, PurePosixPath

import pandas as pd

from hardneg.common import tables
from hardneg.common.errors import InputError
from hardneg.export.prediction import name_tables
from hardneg.recordings import detection_tables
from hardneg.recordings.manifest import EVALUATED_SPLITS
from hardneg.review import review_table

SPLITS = ("val", *EVALUATED_SPLITS)


def read_run(folder: str | os.PathLike[str], split: str, threshold: float | None = None) -> pd.DataFrame:
    """Read what a run of the matrix detects in one split, or what a mining model detects in the pool.

    Recordings whose calls are all annotated have every flagged window. Of all others, the stored scores have the
    highest window only.

    Parameters
    ----------
    folder : of the run, below ``results/runs``; or of a mining model, such as ``results/mining/trained``, which has
        every window of the pool.
    split : one of :data:`SPLITS`; a mining model has the pool only.
    threshold : None for the one that the run froze on validation, which ``runs.csv`` has.

    Returns
    -------
    ``file_path, start_s, end_s, confidence``.

    Raises
    ------
    InputError
        If the folder contains no run, or the run has no file of this split.
    """
    folder = Path(folder)
    columns = ["file_path", "start_s", "end_s", "confidence"]
    if (folder / "windows.parquet").is_file():  # a mining model
        if threshold is None:
            raise InputError(f"{folder} is a mining model, which has no threshold: give --threshold.")
        windows = tables.read(folder / "windows.parquet", columns)
        return windows[windows.confidence >= threshold].reset_index(drop=True)
    if not (folder / "scores.parquet").is_file():
        raise InputError(f"{folder} contains no scores.parquet: give the folder of a run, below results/runs.")
    scores = tables.read(folder / "scores.parquet")
    files = scores[scores.split == split]
    if files.empty:
        known = ", ".join(name for name in SPLITS if name in set(scores.split))
        raise InputError(f"{folder} has no file of the split {split}. It has: {known}.")
    threshold = find_threshold(folder) if threshold is None else threshold
    every_window = folder / "window_scores.parquet"
    if every_window.is_file():
        windows = tables.read(every_window)
        windows = windows[windows.split == split]
        files = pd.concat([files[~files.file_path.isin(windows.file_path)], windows])
    flagged = files[files.confidence >= threshold]
    return flagged[columns].sort_values(["file_path", "start_s"], ignore_index=True)


def find_threshold(folder: Path) -> float:
    """Find the frozen threshold of a run in the ``runs.csv`` of its results."""
    axes = dict(part.split("~", 1) for part in folder.resolve().parts if "~" in part)
    path = next((parent / "runs.csv" for parent in folder.resolve().parents if (parent / "runs.csv").is_file()), None)
    if path is None:
        raise InputError(f"no folder above {folder} contains runs.csv: give --threshold.")
    runs = tables.read(path)
    for axis, value in axes.items():
        runs = runs[runs[axis].astype(str) == value] if axis in runs else runs
    if runs.empty:
        raise InputError(f"{path} has no row of {folder}: give --threshold.")
    return float(runs.threshold.iloc[0])


def write_selections(detections: pd.DataFrame, label: str, high_hz: float, output: str | os.PathLike[str]) -> int:
    """Write the detections of each recording as tables for Raven and BirdNET-Analyzer.

    Parameters
    ----------
    detections : ``file_path, start_s, end_s, confidence``.
    label, high_hz : see :func:`hardneg.recordings.detection_tables.write_detections`.
    output : the folder for the tables, which are named after the recordings.

    Returns
    -------
    The number of recordings.
    """
    paths = list(detections.file_path.unique())
    stems = name_tables([(Path(path), Path(PurePosixPath(path))) for path in paths])
    for path, stem in zip(paths, stems, strict=True):
        detection_tables.write_detections(detections[detections.file_path == path], label, high_hz, Path(output, stem))
    return len(paths)


def read_answers(path: str | os.PathLike[str], label: str) -> pd.DataFrame:
    """Read the answers of reviewers with one label, as detections of confidence 1.

    Parameters
    ----------
    path : the table of answers.
    label : ``positive``, ``negative`` or ``uncertain``.

    Returns
    -------
    ``file_path, start_s, end_s, confidence``. Answers without times are left out.
    """
    if not Path(path).is_file():
        raise InputError(f"{path} does not exist. Give the table that the review page saved.")
    answers = review_table.read_review(path)
    chosen = answers[(answers.label == label) & answers.start_s.notna() & answers.end_s.notna()]
    return chosen[["file_path", "start_s", "end_s"]].drop_duplicates().assign(confidence=1.0).reset_index(drop=True)
