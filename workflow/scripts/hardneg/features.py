"""Extract the features of a shard's recordings once, and read them back by row."""

import os

import numpy as np
import pandas as pd

from hardneg import backbones, extraction, tables
from hardneg.errors import InputError
from hardneg.stretches import INDEX_COLUMNS, Windows


def extract(
    recordings: pd.DataFrame,
    audio_root: str,
    array_path: str | os.PathLike,
    windows: dict,
    features: dict,
    device: str,
    processes: int = 1,
) -> pd.DataFrame:
    """Write the features of every window of every recording to one array.

    Parameters
    ----------
    recordings : checked rows: ``file_path, duration_s, sample_rate``.
    audio_root : the folder that paths are relative to.
    array_path : where to write ``.npy``: float16, shape (windows, *shape of the kind of feature).
    windows : ``length_s``, ``hop_s`` (s) and ``sample_rate`` (Hz) to work at.
    features : the kind of feature and its parameters; see :mod:`hardneg.backbones`.
    device : a torch device.
    processes : see :func:`hardneg.extraction.extract`.

    Returns
    -------
    The index: one row per window with ``file_path, start_s, end_s, row``, times in the recording (s).
    """
    rate = windows["sample_rate"]
    heard = Windows(rate, round(windows["length_s"] * rate), round(windows["hop_s"] * rate))
    backbone = backbones.build(features, windows, device)
    return extraction.extract(recordings, audio_root, array_path, heard, backbone, device, processes)


def merge_indexes(paths: dict[str, str], index_path: str | os.PathLike) -> None:
    """Put the indexes of shards together, a shard in memory at a time.

    Parameters
    ----------
    paths : the index of each shard, by the path of its array.
    index_path : where to write, as Parquet, ``file_path, start_s, end_s, row, array``: a window is row ``row`` of the
        file ``array``.
    """
    with tables.appending(index_path) as append:
        for array, index in sorted(paths.items()):
            append(tables.read(index).assign(array=array))
        if not paths:
            append(pd.DataFrame(columns=[*INDEX_COLUMNS, "array"]))


def load(index: pd.DataFrame) -> np.ndarray:
    """Read the windows that an index lists, each array mapped once.

    Parameters
    ----------
    index : rows with ``array`` and ``row``.

    Returns
    -------
    float16, shape (rows, *shape of the kind of feature), in the order of `index`.
    """
    if index.empty:
        raise InputError("no windows to read: the recordings chosen hold none.")
    arrays = index.array.to_numpy()
    rows = index["row"].to_numpy()
    loaded = None
    for array in pd.unique(arrays):
        held = np.flatnonzero(arrays == array)
        stored = np.load(array, mmap_mode="r")
        if loaded is None:
            loaded = np.empty((len(index), *stored.shape[1:]), stored.dtype)
        loaded[held] = stored[rows[held]]
    return loaded
