"""Mine with detections that another program made: BirdNET-Analyzer's CSV or combined table, Raven selection tables."""

import os
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from hardneg.common.errors import InputError
from hardneg.common.log import logger
from hardneg.mining import detection_tables

SUFFIXES = (".csv", ".txt")


def tables_of(path: str | os.PathLike) -> list[Path]:
    """The tables of detections that `path` stands for: itself, or all CSV and text files under it that are such.

    Raises
    ------
    InputError
        If there is none.
    """
    path = Path(path).expanduser()
    found = [path] if path.is_file() else sorted(child for child in path.rglob("*") if child.suffix in SUFFIXES)
    if not found:
        raise InputError(
            f"mining.model: {path} is no file, and no folder that holds tables of detections (.csv, .txt)."
        )
    return found


def score_windows(tables: Iterable[str | os.PathLike], label: str, index: pd.DataFrame) -> pd.DataFrame:
    """Give every window of the pool the highest confidence of the detections that fall on it.

    A detection falls on the window that it overlaps most, of equals the earliest. Programs list only what they detect:
    a window, and so a file, without a detection has confidence 0.

    Parameters
    ----------
    tables : files that :func:`hardneg.mining.detection_tables.read` reads.
    label : scientific or common name of the target; detections of others are left aside.
    index : the pool's windows: ``file_path, start_s, end_s``.

    Returns
    -------
    ``file_path, start_s, end_s, confidence``, one row per row of `index`.

    Raises
    ------
    InputError
        If no detection is of the target, or none is in a file of the pool, or a confidence is not in [0, 1].
    """
    read = [detection_tables.read(path) for path in tables]
    detections = pd.concat(read, ignore_index=True) if read else pd.DataFrame()
    named = detections[["scientific_name", "common_name"]].apply(lambda names: names.str.casefold() == label.casefold())
    chosen = detections[named.any(axis=1)]
    if chosen.empty:
        heard = ", ".join(detections.common_name.value_counts().index[:5]) or "nothing"
        raise InputError(f"mining.label: no detection is of '{label}'; the tables name {heard}.")
    wrong = chosen[~chosen.confidence.between(0, 1)]
    if len(wrong):
        first = wrong.iloc[0]
        raise InputError(f"{first.file_path}: confidence {first.confidence} at {first.start_s} s is not in [0, 1].")
    found = match_files(chosen.file_path.unique(), index.file_path.unique())
    chosen = chosen.assign(file_path=chosen.file_path.map(found)).dropna(subset="file_path")
    if chosen.empty:
        raise InputError(
            f"none of the {detections.file_path.nunique()} files of the tables of detections is in the pool; the first "
            f"is {detections.file_path.iloc[0]}."
        )
    logger.info("%d detections of %s in %d files of the pool", len(chosen), label, chosen.file_path.nunique())
    windows = index[["file_path", "start_s", "end_s"]].reset_index(drop=True)
    return windows.assign(confidence=_highest_on(windows, chosen))


def match_files(named: Iterable[str], pool: Iterable[str]) -> dict[str, str]:
    """Find the pool's file for each path in a table, which may be absolute, of another computer, or a bare name.

    A path is the pool's file that its end agrees with over the most folders, if only one does.
    """
    by_end: dict[str, set[str]] = {}
    for path in pool:
        for end in _ends(path):
            by_end.setdefault(end, set()).add(path)
    found = {}
    for path in named:
        fitting = next((by_end[end] for end in _ends(path) if end in by_end), set())
        if len(fitting) == 1:
            found[path] = next(iter(fitting))
    return found


def _ends(path: str) -> list[str]:
    """The path and what is left of it as folders are taken off its front, the longest first."""
    parts = PurePosixPath(str(path).replace("\\", "/")).parts
    return ["/".join(parts[place:]) for place in range(len(parts))]


def _highest_on(windows: pd.DataFrame, detections: pd.DataFrame) -> np.ndarray:
    pairs = detections.reset_index(drop=True).reset_index(names="detection")
    pairs = pairs.merge(windows.reset_index(names="window"), on="file_path", suffixes=("", "_window"))
    shared = np.minimum(pairs.end_s, pairs.end_s_window) - np.maximum(pairs.start_s, pairs.start_s_window)
    pairs = pairs.assign(shared=shared)[shared > 0].sort_values(
        ["detection", "shared", "window"], ascending=[True, False, True]
    )
    best = pairs.groupby("detection").head(1)
    highest = best.groupby("window").confidence.max()
    return highest.reindex(windows.index, fill_value=0.0).to_numpy()
