"""Extract the features of a shard's recordings once, and read them back by row."""

import os
from pathlib import Path

import numpy as np
import pandas as pd

from hardneg import audio, backbones
from hardneg.errors import InputError
from hardneg.files import replacing
from hardneg.log import logger, progress

INDEX_COLUMNS = ["file_path", "start_s", "end_s", "row"]


def extract(
    recordings: pd.DataFrame,
    audio_root: str,
    array_path: str | os.PathLike,
    windows: dict,
    features: dict,
    device: str,
) -> pd.DataFrame:
    """Write the features of every window of every recording to one array.

    Parameters
    ----------
    recordings : checked rows: ``file_path``, ``sha256``, ``sample_rate``.
    audio_root : the folder that paths are relative to.
    array_path : where to write ``.npy``: float16, shape (windows, *shape of the kind of feature).
    windows : ``length_s``, ``hop_s`` (s) and ``sample_rate`` (Hz) to work at.
    features : the kind of feature and its parameters; see :mod:`hardneg.backbones`.
    device : a torch device.

    Returns
    -------
    The index: one row per window with ``file_path, start_s, end_s, row``, times in the recording (s).
    """
    rate = windows["sample_rate"]
    length, hop = round(windows["length_s"] * rate), round(windows["hop_s"] * rate)
    backbone = backbones.build(features, windows, device)
    computed, index, rows = [np.empty((0, *backbone.shape), np.float16)], [], 0
    paths = recordings.file_path.tolist()
    for path in progress(paths, len(paths), "extracting features"):
        cuts, starts = audio.windows(_hear(Path(audio_root, path), rate), length, hop)
        computed.append(backbone(cuts).astype(np.float16))
        index.append(
            pd.DataFrame(
                {
                    "file_path": path,
                    "start_s": starts / rate,
                    "end_s": (starts + length) / rate,
                    "row": np.arange(rows, rows + len(starts)),
                }
            )
        )
        rows += len(starts)
    with replacing(array_path) as draft, open(draft, "wb") as file:
        np.save(file, np.concatenate(computed))
    logger.info("%d windows of %d recordings", rows, len(paths))
    return pd.concat(index, ignore_index=True) if index else pd.DataFrame(columns=INDEX_COLUMNS)


def merge_indexes(paths: dict[str, str]) -> pd.DataFrame:
    """Put the indexes of shards together.

    Parameters
    ----------
    paths : the index of each shard, by the path of its array.

    Returns
    -------
    ``file_path, start_s, end_s, row, array``: a window is row ``row`` of the file ``array``.
    """
    parts = [pd.read_parquet(index).assign(array=array) for array, index in sorted(paths.items())]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*INDEX_COLUMNS, "array"])


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


def _hear(path: Path, rate: int) -> np.ndarray:
    try:
        samples, stored_rate = audio.decode(path)
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"{path} could be decoded when it was checked and cannot now ({error}). Restore it, or take it out of "
            "the manifest, and run again."
        ) from error
    return audio.resample(samples, stored_rate, rate)
