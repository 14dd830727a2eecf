"""Rank files by their hardest window."""

import os
from collections.abc import Iterable

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.compute

from hardneg import tables
from hardneg.errors import InputError

ABOUT = ["file_path", "recorder_id", "date", "site", "group"]
WINDOW_SCORES = ["file_path", "start_s", "end_s", "confidence"]


def file_confidence(windows: pd.DataFrame) -> pd.DataFrame:
    """Score each file by its most confident window.

    A detector fires on windows but a recording is reviewed whole, so a file is as hard as its hardest window.
    Files whose windows all score low keep their low score: absence is not the same as no row.

    Parameters
    ----------
    windows : one row per window: ``file_path``, ``start_s``, ``end_s`` (s), ``confidence`` in [0, 1].

    Returns
    -------
    One row per file, in order of falling confidence and then of path; ties keep the earliest window.

    Raises
    ------
    InputError
        If a confidence is missing or lies outside [0, 1]; the message names the first such file.
    """
    wrong = ~windows.confidence.between(0, 1)
    if wrong.any():
        first = windows[wrong].iloc[0]
        raise InputError(f"{first.file_path}: confidence {first.confidence} at {first.start_s} s is not in [0, 1].")
    files, _ = pd.factorize(windows.file_path)
    order = np.lexsort((windows.start_s.to_numpy(), -windows.confidence.to_numpy(), files))
    hardest = order[np.flatnonzero(np.diff(files[order], prepend=-1))]
    best = windows.iloc[hardest].sort_values(["confidence", "file_path"], ascending=[False, True])
    return best[["file_path", "confidence", "start_s", "end_s"]].reset_index(drop=True)


def gather_scores(shards: Iterable[str | os.PathLike], windows_path: str | os.PathLike) -> pd.DataFrame:
    """Put the scored windows of all shards into one table and give each file its hardest, a shard in memory at a time.

    Parameters
    ----------
    shards : tables from :func:`score_windows`; no file is in two of them.
    windows_path : where to write them together, as Parquet.

    Returns
    -------
    One row per file, the hardest first: ``file_path, confidence, start_s, end_s``.
    """
    hardest = []
    with tables.appending(windows_path) as append:
        for path in shards:
            windows = tables.read(path)
            append(windows)
            hardest.append(file_confidence(windows))
    files = pd.concat(hardest, ignore_index=True) if hardest else pd.DataFrame(columns=WINDOW_SCORES)
    return file_confidence(files)


def rank_files(files: pd.DataFrame, recordings: pd.DataFrame) -> pd.DataFrame:
    """Say of each scored file whose recording it is.

    Parameters
    ----------
    files : from :func:`gather_scores`, of these recordings or more.
    recordings : checked rows of the pool, at least the columns :data:`ABOUT`.

    Returns
    -------
    One row per recording, the hardest first: ``file_path, confidence, start_s, end_s, recorder_id, date, site,
    group``.
    """
    place = pyarrow.compute.index_in(  # a merge takes four times the memory, and the pool may hold millions
        pyarrow.array(files.file_path, pyarrow.string()),
        value_set=pyarrow.array(recordings.file_path, pyarrow.string()),
    ).to_pandas()
    known = place.notna().to_numpy()
    about = recordings[ABOUT].drop(columns="file_path").take(place[known].astype(int))
    return pd.concat([files[known].reset_index(drop=True), about.reset_index(drop=True)], axis=1)
