"""Run a detector over the pool: one score per file, and per window beside it."""

import os

import numpy as np
import pandas as pd
from torch import nn

from hardneg import features
from hardneg.inference import file_confidence, window_confidences
from hardneg.log import progress

CHUNK_WINDOWS = 4096


def score_windows(network: nn.Module, index: pd.DataFrame, array_path: str | os.PathLike, device: str) -> pd.DataFrame:
    """Score every window of a shard, reading a bounded number at a time.

    Parameters
    ----------
    network : a detector.
    index : the shard's windows: ``file_path, start_s, end_s, row``.
    array_path : the shard's features.

    Returns
    -------
    ``file_path, start_s, end_s, confidence`` (in [0, 1]), one row per window.
    """
    index = index.assign(array=str(array_path))
    chunks = range(0, len(index), CHUNK_WINDOWS)
    confidences = [
        window_confidences(network, features.load(index[start : start + CHUNK_WINDOWS]), device)
        for start in progress(chunks, len(chunks), "scoring windows")
    ]
    confidence = np.concatenate(confidences) if confidences else np.empty(0, np.float32)
    return index[["file_path", "start_s", "end_s"]].assign(confidence=confidence.astype(np.float64))


def rank_files(windows: pd.DataFrame, recordings: pd.DataFrame) -> pd.DataFrame:
    """Score each recording of the pool by its hardest window; see :func:`~hardneg.inference.file_confidence`.

    Parameters
    ----------
    windows : scored windows, of these recordings or more.
    recordings : checked rows of the pool.

    Returns
    -------
    One row per recording, the hardest first: ``file_path, confidence, start_s, end_s, recorder_id, date, site,
    group``.
    """
    about = recordings[["file_path", "recorder_id", "date", "site", "group"]]
    return file_confidence(windows).merge(about, on="file_path", how="inner", validate="1:1")


def rank_positives(network: nn.Module, recordings: pd.DataFrame, index: pd.DataFrame, device: str) -> pd.DataFrame:
    """Score the training positives with a detector.

    Returns
    -------
    ``file_path, confidence, start_s, end_s``, the highest first.
    """
    chosen = recordings[(recordings.split == "train") & (recordings.label == "positive")]
    windows = index[index.file_path.isin(chosen.file_path)].reset_index(drop=True)
    return file_confidence(windows.assign(confidence=window_confidences(network, features.load(windows), device)))
