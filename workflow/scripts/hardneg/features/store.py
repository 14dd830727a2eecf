"""The feature store: arrays of shards, and the index that maps windows to their rows."""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from hardneg.common import tables
from hardneg.common.errors import InputError

PART_WINDOWS = 4096
INDEX_COLUMNS = ["file_path", "start_s", "end_s", "row", "content"]


def merge_indexes(
    index_paths: Mapping[str, str],
    merged_path: str | os.PathLike[str],
    threads: int = 1,
    label: Callable[[pd.DataFrame], pd.DataFrame] | None = None,
) -> None:
    """Concatenate the indexes of shards, with one shard in memory at a time. The arrays are checked by their hashes.

    Parameters
    ----------
    index_paths : the path of each shard's index, by the path of its array.
    merged_path : the Parquet file to write, with ``file_path, start_s, end_s, row, content, array``. The features of a
        window are row ``row`` of the file ``array``, whose hash is ``content``.
    threads : arrays are read by this many threads.
    label : adds columns to the index of a shard; see :func:`hardneg.recordings.stretches.make_labeller`.

    Raises
    ------
    InputError
        If an array has changed since it was made.
    """
    changed = find_changed_arrays(index_paths, threads)
    if changed:
        raise InputError(
            "these arrays are not the ones that were made: their content has another hash. Delete them and run "
            "again.\n" + "\n".join(f"  {array}" for array in changed)
        )
    with tables.parquet_appender(merged_path) as append:
        for array, index in sorted(index_paths.items()):
            part = tables.read(index).assign(array=array)
            append(part if label is None else label(part))
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


def open_array(path: str | os.PathLike[str], least_rows: int = 0) -> npt.NDArray[np.float16]:
    """Map an array of features into memory.

    Parameters
    ----------
    path : the array.
    least_rows : the array must have at least this many rows.

    Raises
    ------
    InputError
        If the array is missing or damaged. The message names the command that makes it again.
    """
    remedy = f"Make it again with `snakemake --cores all {path}`, and then run again."
    try:
        array: npt.NDArray[np.float16] = np.load(path, mmap_mode="r")
        if len(array) < least_rows:
            raise ValueError(f"it has {len(array)} rows instead of at least {least_rows}")
    except FileNotFoundError as error:
        raise InputError(f"the features in {path} are needed, but the file does not exist. {remedy}") from error
    except (ValueError, EOFError, TypeError) as error:
        raise InputError(f"{path} is damaged or truncated ({error}). Delete it. {remedy}") from error
    return array


def hash_rows(features: npt.NDArray[np.float16]) -> npt.NDArray[np.uint8]:
    """Hash each row of an array: the SHA-256 of its bytes, uint8, shape (rows, 32)."""
    digests = b"".join(hashlib.sha256(np.ascontiguousarray(row).data).digest() for row in features)
    return np.frombuffer(digests, np.uint8).reshape(len(features), 32)


def combine_row_hashes(row_hashes: npt.NDArray[np.uint8]) -> str:
    """Combine the hashes of all rows, in their order, into the hash of an array: 16 hexadecimal digits."""
    return hashlib.sha256(row_hashes.tobytes()).hexdigest()[:16]


def hash_array(path: str | os.PathLike[str]) -> str:
    """Hash the content of an array as :func:`hardneg.features.extraction.write_features` did when it was made."""
    array = open_array(path)
    starts = range(0, len(array), PART_WINDOWS)
    parts = [hash_rows(array[start : start + PART_WINDOWS]) for start in starts]
    return combine_row_hashes(np.concatenate(parts) if parts else np.empty((0, 32), np.uint8))


def find_changed_arrays(index_paths: Mapping[str, str], threads: int) -> list[str]:
    """Find the arrays whose content is not the one that their index was made with.

    Parameters
    ----------
    index_paths : the path of each shard's index, by the path of its array.
    threads : arrays are read by this many threads.
    """

    def has_changed(array: str) -> bool:
        content = tables.read(index_paths[array], ["content"]).content.unique()
        return len(content) > 0 and list(content) != [hash_array(array)]

    with ThreadPoolExecutor(threads) as pool:
        return [
            array for array, changed in zip(index_paths, pool.map(has_changed, index_paths), strict=True) if changed
        ]


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
        stored = open_array(array, least_rows=int(rows[positions].max()) + 1)
        if features is None:
            features = np.empty((len(index), *stored.shape[1:]), stored.dtype)
        features[positions] = stored[rows[positions]]
    assert features is not None  # the index is not empty
    return features


def load_in_parts(index: pd.DataFrame) -> Iterator[npt.NDArray[np.float16]]:
    """Read the features of the windows in an index, :data:`PART_WINDOWS` at a time, for work on a whole pool."""
    for start in range(0, len(index), PART_WINDOWS):
        yield load(index.iloc[start : start + PART_WINDOWS])
