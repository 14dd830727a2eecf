"""Rank files by their hardest window."""

import os
from collections.abc import Iterable

import pandas as pd
import pyarrow
import pyarrow.compute

from hardneg.common import tables
from hardneg.models.file_scores import score_by_highest_window
from hardneg.recordings.manifest import POOL, TEST_POOL

RECORDING_COLUMNS = ["file_path", "recorder_id", "date", "night", "site", "group"]
INPUT_COLUMNS = [*RECORDING_COLUMNS, "split"]
WINDOW_SCORE_COLUMNS = ["file_path", "start_s", "end_s", "confidence"]


def gather_scores(shards: Iterable[str | os.PathLike[str]], windows_path: str | os.PathLike[str]) -> pd.DataFrame:
    """Write the scored windows of all shards to one table and find each file's hardest window.

    Only one shard is in memory at a time.

    Parameters
    ----------
    shards : tables from :func:`hardneg.mining.window_scoring.score_windows`; no file is in two of them.
    windows_path : path of the table with all windows (Parquet).

    Returns
    -------
    One row per file, the hardest first: ``file_path, confidence, start_s, end_s``.
    """
    hardest = []
    with tables.parquet_appender(windows_path) as append:
        for path in shards:
            windows = tables.read(path)
            append(windows)
            hardest.append(score_by_highest_window(windows))
    files = pd.concat(hardest, ignore_index=True) if hardest else pd.DataFrame(columns=WINDOW_SCORE_COLUMNS)
    return score_by_highest_window(files)


def rank_files(files: pd.DataFrame, recordings: pd.DataFrame, split: str = POOL) -> pd.DataFrame:
    """Add the recorder, date, night, site and group of each scored file of the pool.

    Files that are held out of the pool for testing are not ranked, so nothing that follows can mine them. They have a
    separate ranking.

    Parameters
    ----------
    files : from :func:`gather_scores`; files that are not in `recordings` are dropped.
    recordings : checked recordings with at least :data:`INPUT_COLUMNS`.
    split : ``pool``, or ``test_pool`` for the files that are held out.

    Returns
    -------
    One row per file, the hardest first: ``file_path, confidence, start_s, end_s, recorder_id, date, night, site,
    group``.
    """
    recordings = recordings[recordings.split == split]
    rows = pyarrow.compute.index_in(  # a merge takes four times the memory, and a pool can have millions of files
        pyarrow.array(files.file_path, pyarrow.string()),
        value_set=pyarrow.array(recordings.file_path, pyarrow.string()),
    ).to_pandas()
    known = rows.notna().to_numpy()
    metadata = recordings[RECORDING_COLUMNS].drop(columns="file_path").take(rows[known].astype(int))
    return pd.concat([files[known].reset_index(drop=True), metadata.reset_index(drop=True)], axis=1)


def find_held_out_windows(windows_path: str | os.PathLike[str], recordings: pd.DataFrame) -> pd.DataFrame:
    """Find the hardest window of each file that is held out of the pool.

    Parameters
    ----------
    windows_path : from :func:`gather_scores`.
    recordings : checked recordings with at least ``file_path, split``.

    Returns
    -------
    ``file_path, confidence, start_s, end_s``.
    """
    held_out = recordings.file_path[recordings.split == TEST_POOL]
    return score_by_highest_window(tables.read_rows_of_files(windows_path, held_out))
