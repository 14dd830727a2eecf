"""Rank files by their hardest window."""

import os
from collections.abc import Iterable

import pandas as pd
import pyarrow
import pyarrow.compute

from hardneg.common import tables
from hardneg.models.file_scores import file_confidence

ABOUT = ["file_path", "recorder_id", "date", "site", "group"]
WINDOW_SCORES = ["file_path", "start_s", "end_s", "confidence"]


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
    with tables.parquet_appender(windows_path) as append:
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
