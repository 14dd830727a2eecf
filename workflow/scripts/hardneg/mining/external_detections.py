"""Mine with the detections of another program: BirdNET-Analyzer's CSV or combined table, or Raven selection tables."""

import os
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt
import pandas as pd

from hardneg.common.errors import InputError
from hardneg.common.log import logger
from hardneg.mining import detection_tables

SUFFIXES = (".csv", ".txt")


def list_tables(path: str | os.PathLike[str]) -> list[Path]:
    """List the tables of detections at `path`: the file itself, or every CSV and text file under a folder.

    Raises
    ------
    InputError
        If there is no table.
    """
    path = Path(path).expanduser()
    paths = [path] if path.is_file() else sorted(child for child in path.rglob("*") if child.suffix in SUFFIXES)
    if not paths:
        raise InputError(
            f"mining.model: {path} is neither a file nor a folder with tables of detections (.csv, .txt): correct "
            "the path."
        )
    return paths


def score_windows(tables: Iterable[str | os.PathLike[str]], label: str, index: pd.DataFrame) -> pd.DataFrame:
    """Score every window of the pool by the most confident detection in it.

    A detection counts for the window that it overlaps most; of equal overlaps, for the earliest. Programs list only
    what they detect, so a window without a detection has confidence 0.

    Parameters
    ----------
    tables : files for :func:`hardneg.mining.detection_tables.read_detections`.
    label : scientific or common name of the target; detections of other species are ignored.
    index : the pool's windows: ``file_path, start_s, end_s``.

    Returns
    -------
    ``file_path, start_s, end_s, confidence``, one row per row of `index`.

    Raises
    ------
    InputError
        If there is no detection of the target, none in a file of the pool, or a confidence outside [0, 1].
    """
    parts = [detection_tables.read_detections(path) for path in tables]
    detections = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    is_target = detections[["scientific_name", "common_name"]].apply(
        lambda names: names.str.casefold() == label.casefold()
    )
    targets = detections[is_target.any(axis=1)]
    if targets.empty:
        species = ", ".join(detections.common_name.value_counts().index[:5]) or "nothing"
        raise InputError(f"mining.label: the tables contain no detection of '{label}'; they contain {species}.")
    invalid = targets[~targets.confidence.between(0, 1)]
    if len(invalid):
        first = invalid.iloc[0]
        raise InputError(
            f"{first.file_path}: the confidence {first.confidence} at {first.start_s} s is outside [0, 1]: "
            "correct the table."
        )
    pool_paths = match_files(targets.file_path.unique(), index.file_path.unique())
    targets = targets.assign(file_path=targets.file_path.map(pool_paths)).dropna(subset="file_path")
    if targets.empty:
        raise InputError(
            f"none of the {detections.file_path.nunique()} files in the tables of detections is in the pool; the first "
            f"is {detections.file_path.iloc[0]}: compare the names with file_path of the pool."
        )
    logger.info("%d detections of %s in %d files of the pool", len(targets), label, targets.file_path.nunique())
    windows = index[["file_path", "start_s", "end_s"]].reset_index(drop=True)
    return windows.assign(confidence=_highest_confidences(windows, targets))


def match_files(paths: Iterable[str], pool: Iterable[str]) -> dict[str, str]:
    """Match each path of a table with a file of the pool.

    A table's path can be absolute, come from another computer, or be a bare file name. It matches the pool file that
    shares its longest trailing part. A path that fits several pool files equally well has no match.

    Returns
    -------
    The pool's path for each matched path of the table.
    """
    by_suffix: dict[str, set[str]] = {}
    for path in pool:
        for suffix in _path_suffixes(path):
            by_suffix.setdefault(suffix, set()).add(path)
    matches = {}
    for path in paths:
        candidates = next((by_suffix[suffix] for suffix in _path_suffixes(path) if suffix in by_suffix), set())
        if len(candidates) == 1:
            matches[path] = next(iter(candidates))
    return matches


def _path_suffixes(path: str) -> list[str]:
    """List the path and its trailing parts, the longest first."""
    parts = PurePosixPath(str(path).replace("\\", "/")).parts
    return ["/".join(parts[start:]) for start in range(len(parts))]


def _highest_confidences(windows: pd.DataFrame, detections: pd.DataFrame) -> npt.NDArray[np.float64]:
    pairs = detections.reset_index(drop=True).reset_index(names="detection")
    pairs = pairs.merge(windows.reset_index(names="window"), on="file_path", suffixes=("", "_window"))
    overlap_s = np.minimum(pairs.end_s, pairs.end_s_window) - np.maximum(pairs.start_s, pairs.start_s_window)
    pairs = pairs.assign(overlap_s=overlap_s)[overlap_s > 0].sort_values(
        ["detection", "overlap_s", "window"], ascending=[True, False, True]
    )
    best = pairs.groupby("detection").head(1)
    highest = best.groupby("window").confidence.max()
    confidences: npt.NDArray[np.float64] = highest.reindex(windows.index, fill_value=0.0).to_numpy()
    return confidences
