"""The feature store: arrays of shards, and the index that maps windows to their rows."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from hardneg.common import tables
from hardneg.common.errors import InputError

PART_WINDOWS = 4096
INDEX_COLUMNS = ["file_path", "start_s", "end_s", "row", "content"]


def merge_indexes(index_paths: Mapping[str, str], merged_path: str | os.PathLike[str]) -> None:
    """Concatenate the indexes of shards, with one shard in memory at a time.

    Parameters
    ----------
    index_paths : the path of each shard's index, by the path of its array.
    merged_path : the Parquet file to write, with ``file_path, start_s, end_s, row, content, array``. The features of a
        window are row ``row`` of the file ``array``, whose hash is ``content``.
    """
    with tables.parquet_appender(merged_path) as append:
        for array, index in sorted(index_paths.items()):
            append(tables.read(index).assign(array=array))
        if not index_paths:
            append(pd.DataFrame(columns=[*INDEX_COLUMNS, "array"]))


def locate_windows(windows: pd.DataFrame, index: pd.DataFrame) -> pd.DataFrame:
    """Look up where the features of windows are stored.

    Parameters
    ----------
    windows : ``file_path, start_s`` and any other columns: for example, the hardest window of each file.
    index : from :func:`merge_indexes`.

    Returns
    -------
    The rows of `windows` that the index lists, in their order, with the columns of the index that `windows` lacks.
    """
    columns = ["file_path", "start_s", *index.columns.difference(windows.columns, sort=False)]
    return windows.merge(index[columns], on=["file_path", "start_s"], validate="1:1")


def load(index: pd.DataFrame) -> npt.NDArray[np.float16]:
    """Read the features of the windows in an index. Each array is memory-mapped once.

    Parameters
    ----------
    index : rows with ``array`` and ``row``.

    Returns
    -------
    float16, shape (rows, *shape of one window's features), in the order of `index`.
    """
    if index.empty:
        raise InputError("there are no windows to read: the selected recordings have none.")
    arrays = index.array.to_numpy()
    rows = index["row"].to_numpy()
    features: npt.NDArray[Any] | None = None
    for array in pd.unique(arrays):
        positions = np.flatnonzero(arrays == array)
        stored = np.load(array, mmap_mode="r")
        if features is None:
            features = np.empty((len(index), *stored.shape[1:]), stored.dtype)
        features[positions] = stored[rows[positions]]
    assert features is not None  # the index is not empty
    return features


def load_in_parts(index: pd.DataFrame) -> Iterator[npt.NDArray[np.float16]]:
    """Read the features of the windows in an index, :data:`PART_WINDOWS` at a time, for work on a whole pool."""
    for start in range(0, len(index), PART_WINDOWS):
        yield load(index.iloc[start : start + PART_WINDOWS])
