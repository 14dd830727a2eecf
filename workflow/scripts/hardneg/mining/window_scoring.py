"""Score windows with a detector: the pool's, shard by shard, and those of the training positives."""

import os
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd
from torch import nn

from hardneg.common import process_pool
from hardneg.common.log import track_progress
from hardneg.features import store
from hardneg.models import inference
from hardneg.models.file_scores import score_by_highest_window
from hardneg.models.inference import choose_batch_size, predict_confidences
from hardneg.recordings.stretches import select_tested_windows

CHUNK_BATCHES = 8  # few, so that even a small shard has work for every process


def score_windows(
    network: nn.Module, index: pd.DataFrame, array_path: str | os.PathLike[str], device: str, processes: int = 1
) -> pd.DataFrame:
    """Score every window of a shard, with a bounded number of windows in memory.

    Parameters
    ----------
    network : a detector.
    index : the shard's windows: ``file_path, start_s, end_s, row``.
    array_path : the shard's features.
    processes : number of processes that share the work on a CPU. The scores do not depend on it.

    Returns
    -------
    ``file_path, start_s, end_s, confidence`` (in [0, 1]), one row per window.
    """
    rows = index["row"].to_numpy()
    size = CHUNK_BATCHES * choose_batch_size(device)
    chunks = [rows[start : start + size] for start in range(0, len(rows), size)]
    score_chunk = partial(
        _score_rows, network=inference.fold_batch_norm(network), array_path=str(array_path), device=device
    )
    results = process_pool.map_in_order(score_chunk, chunks, processes if device == "cpu" else 1)
    confidences = list(track_progress(results, len(chunks), "scoring windows"))
    confidence = np.concatenate(confidences) if confidences else np.empty(0, np.float32)
    return index[["file_path", "start_s", "end_s"]].assign(confidence=confidence.astype(np.float64))


def _score_rows(
    rows: npt.NDArray[np.int64], network: nn.Module, array_path: str, device: str
) -> npt.NDArray[np.float32]:
    features = store.open_array(array_path, least_rows=int(rows.max()) + 1)
    return predict_confidences(network, features[rows], device)


def rank_positives(network: nn.Module, recordings: pd.DataFrame, index: pd.DataFrame, device: str) -> pd.DataFrame:
    """Rank the training positives by a detector's confidence.

    Returns
    -------
    ``file_path, confidence, start_s, end_s``, the highest first.
    """
    windows = select_positive_windows(recordings, index)
    return score_by_highest_window(windows.assign(confidence=predict_confidences(network, store.load(windows), device)))


def score_validation(network: nn.Module, recordings: pd.DataFrame, index: pd.DataFrame, device: str) -> pd.DataFrame:
    """Score the files of the validation split with a detector.

    Returns
    -------
    ``file_path, confidence, start_s, end_s, label`` (1 or 0), the highest first.
    """
    windows = select_validation_windows(recordings, index)
    return inference.score_files(network, store.load(windows), windows, device)


def select_validation_windows(recordings: pd.DataFrame, index: pd.DataFrame) -> pd.DataFrame:
    """Select the rows of an index that belong to the validation split, and add the ``label`` (1 or 0) of their file."""
    files = recordings[recordings.split == "val"]
    labels = (files.label == "positive").astype(int)
    windows = index.merge(files[["file_path"]].assign(label=labels), on="file_path", validate="m:1")
    return select_tested_windows(windows)


def select_positive_windows(recordings: pd.DataFrame, index: pd.DataFrame) -> pd.DataFrame:
    """Select the rows of an index that belong to training positives."""
    positives = recordings[(recordings.split == "train") & (recordings.label == "positive")]
    windows = index[index.file_path.isin(positives.file_path)].reset_index(drop=True)
    return select_tested_windows(windows).reset_index(drop=True)
