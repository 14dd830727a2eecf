"""Turn recordings into an array of features: decode, cut, and give windows to a front end in batches.

A front end is anything that maps float32 windows of samples, a tensor of shape (n, samples), to features, shape
(n, ...). On a CPU it is run in each of several processes of one thread; on a GPU in this one, see
:mod:`hardneg.features.device_extraction`.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import starmap
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from hardneg.audio import resampling, windowing
from hardneg.audio.windowing import AudioChunk, WindowSpec
from hardneg.common import process_pool
from hardneg.common.files import atomic_write
from hardneg.common.log import logger, track_progress
from hardneg.features import device_extraction

BATCH = 32

FrontEnd = Callable[[torch.Tensor], torch.Tensor]


def extract(
    recordings: pd.DataFrame,
    audio_root: str,
    array_path: str | os.PathLike,
    windows: WindowSpec,
    front_end: FrontEnd,
    device: str,
    processes: int,
) -> pd.DataFrame:
    """Write the features of every window of every recording to one array, a batch at a time.

    Batches depend on the recordings alone, so the result does not depend on the number of processes; nor does what is
    held in memory depend on the number of recordings, but for their index.

    Parameters
    ----------
    recordings : checked rows: ``file_path, duration_s, sample_rate``.
    audio_root : the folder that paths are relative to.
    array_path : where to write ``.npy``: float16, shape (windows, ...).
    windows : what the front end hears.
    front_end : see the module.
    device : that the front end is on.
    processes : to decode and compute in.

    Returns
    -------
    The index: one row per window with ``file_path, start_s, end_s, row``, times in the recording (s), and ``content``,
    a hash of the array, the same in all rows: who reads the array by an index reads it again when it has changed.

    Raises
    ------
    InputError
        If a file is not what it was when it was checked.
    """
    planned, index = windowing.plan_windows(recordings, audio_root, windows)
    with torch.inference_mode():
        shape = front_end(torch.zeros(1, windows.length, device=device)).shape[1:]
    with atomic_write(array_path) as draft:
        offset = _write_header(draft, (len(index), *shape))
        if device == "cpu":
            for rate in recordings.sample_rate.unique():  # what is compiled for it is to be there before processes fork
                resampling.to_working_rate(np.zeros((1, 1), np.int16), int(rate), windows.rate)
            batches = list(batched(planned, BATCH))
            given = {"batches": batches, "windows": windows, "front_end": front_end, "path": draft, "offset": offset}
            done = process_pool.map_in_order(partial(_extract_batch, **given), range(len(batches)), processes)
        else:
            batches = list(device_extraction.batches(planned))
            work = partial(_write, path=draft, offset=offset)
            done = starmap(work, device_extraction.compute(batches, windows, front_end, device, processes))
        content = hashlib.sha256()
        for written in track_progress(done, len(batches), "extracting features"):
            content.update(written)
    logger.info("%d windows of %d recordings", len(index), len(recordings))
    return index.assign(content=content.hexdigest()[:16])


def _extract_batch(
    place: int, batches: list[list[AudioChunk]], windows: WindowSpec, front_end: FrontEnd, path: Path, offset: int
) -> bytes:
    batch = batches[place]
    heard = np.empty((sum(len(stretch.starts) for stretch in batch), windows.length), np.float32)
    for stretch in batch:
        row = stretch.first_row - batch[0].first_row
        heard[row : row + len(stretch.starts)] = windowing.read_windows(stretch, windows)
    with torch.inference_mode():
        features = front_end(torch.from_numpy(heard)).half().contiguous().numpy()
    return _write(batch[0].first_row + np.arange(len(features)), features, path, offset)


def _write(rows: np.ndarray, features: np.ndarray, path: Path, offset: int) -> bytes:
    """Put features into their rows of the array whose data start at `offset`; give their hash."""
    with open(path, "r+b") as file:
        for run in np.split(np.arange(len(rows)), np.flatnonzero(np.diff(rows) != 1) + 1):
            file.seek(offset + int(rows[run[0]]) * features[0].nbytes)
            file.write(features[run[0] : run[-1] + 1].data)
    return hashlib.sha256(features.data).digest()


def batched(planned: Iterable[AudioChunk], size: int) -> Iterator[list[AudioChunk]]:
    """Put consecutive stretches together to batches of at least `size` windows."""
    batch: list[AudioChunk] = []
    for stretch in planned:
        batch.append(stretch)
        if sum(len(held.starts) for held in batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch


def _write_header(path: Path, shape: tuple[int, ...]) -> int:
    """Begin a float16 array that is to be filled by position; give where its data start, in bytes.

    Its space is taken at once, so that a disk too small for it is found out now.
    """
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f2", "fortran_order": False, "shape": shape})
        offset, size = file.tell(), 2 * int(np.prod(shape, dtype=np.int64))
        file.flush()
        if size and hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), offset, size)
        file.truncate(offset + size)
    return offset
