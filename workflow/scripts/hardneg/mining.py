"""Run a detector over the pool: one score per file, and per window beside it."""

import os
from collections.abc import Iterable
from functools import partial

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.compute
from torch import nn

from hardneg import features, inference, tables, workers
from hardneg.inference import batch_size, file_confidence, window_confidences
from hardneg.log import progress

CHUNK_BATCHES = 8  # few, so that even a small shard is work for every process
ABOUT = ["file_path", "recorder_id", "date", "site", "group"]
WINDOW_SCORES = ["file_path", "start_s", "end_s", "confidence"]


def score_windows(
    network: nn.Module, index: pd.DataFrame, array_path: str | os.PathLike, device: str, processes: int = 1
) -> pd.DataFrame:
    """Score every window of a shard, reading a bounded number at a time.

    Parameters
    ----------
    network : a detector.
    index : the shard's windows: ``file_path, start_s, end_s, row``.
    array_path : the shard's features.
    processes : that share the work on a CPU; the scores do not depend on their number.

    Returns
    -------
    ``file_path, start_s, end_s, confidence`` (in [0, 1]), one row per window.
    """
    rows = index["row"].to_numpy()
    size = CHUNK_BATCHES * batch_size(device)
    chunks = [rows[start : start + size] for start in range(0, len(rows), size)]
    work = partial(_score_rows, network=inference.folded(network), array_path=str(array_path), device=device)
    done = workers.results(work, chunks, processes if device == "cpu" else 1)
    confidences = list(progress(done, len(chunks), "scoring windows"))
    confidence = np.concatenate(confidences) if confidences else np.empty(0, np.float32)
    return index[["file_path", "start_s", "end_s"]].assign(confidence=confidence.astype(np.float64))


def _score_rows(rows: np.ndarray, network: nn.Module, array_path: str, device: str) -> np.ndarray:
    stored = np.load(array_path, mmap_mode="r")
    return window_confidences(network, stored[rows], device)


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


def rank_positives(network: nn.Module, recordings: pd.DataFrame, index: pd.DataFrame, device: str) -> pd.DataFrame:
    """Score the training positives with a detector.

    Returns
    -------
    ``file_path, confidence, start_s, end_s``, the highest first.
    """
    windows = windows_of_positives(recordings, index)
    return file_confidence(windows.assign(confidence=window_confidences(network, features.load(windows), device)))


def windows_of_positives(recordings: pd.DataFrame, index: pd.DataFrame) -> pd.DataFrame:
    """The rows of an index that are of training positives."""
    chosen = recordings[(recordings.split == "train") & (recordings.label == "positive")]
    return index[index.file_path.isin(chosen.file_path)].reset_index(drop=True)
