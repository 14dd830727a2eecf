"""Find the features of windows in the arrays of the shards, and read them by row."""

import os
from collections.abc import Iterator

import numpy as np
import pandas as pd

from hardneg.common import tables
from hardneg.common.errors import InputError

PART = 4096  # windows
INDEX_COLUMNS = ["file_path", "start_s", "end_s", "row", "content"]


def merge_indexes(paths: dict[str, str], index_path: str | os.PathLike) -> None:
    """Put the indexes of shards together, a shard in memory at a time.

    Parameters
    ----------
    paths : the index of each shard, by the path of its array.
    index_path : where to write, as Parquet, ``file_path, start_s, end_s, row, content, array``: a window is row ``row``
        of the file ``array``, which has the hash ``content``.
    """
    with tables.parquet_appender(index_path) as append:
        for array, index in sorted(paths.items()):
            append(tables.read(index).assign(array=array))
        if not paths:
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


def load_in_parts(index: pd.DataFrame) -> Iterator[np.ndarray]:
    """Read the windows that an index lists, :data:`PART` at a time, for what goes over a whole pool."""
    for start in range(0, len(index), PART):
        yield load(index.iloc[start : start + PART])
