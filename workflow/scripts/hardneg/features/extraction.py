"""Extraction of features: decode recordings, cut windows, and run an extractor on them in batches.

On a CPU, several processes of one thread each decode and extract. On a GPU, the extractor runs in this process; see
:mod:`hardneg.features.device_extraction`.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import starmap
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from hardneg.audio import windowing
from hardneg.audio.decoder_crashes import name_culprit
from hardneg.audio.windowing import AudioChunk, WindowSpec
from hardneg.common import process_pool
from hardneg.common.files import atomic_write
from hardneg.common.log import logger, track_progress
from hardneg.features import device_extraction
from hardneg.features.store import combine_row_hashes, hash_rows

BATCH_WINDOWS = 32

WrittenRows = tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]
Extractor = Callable[[torch.Tensor], torch.Tensor]


def write_features(
    recordings: pd.DataFrame,
    audio_root: str,
    array_path: str | os.PathLike[str],
    windows: WindowSpec,
    extractor: Extractor,
    device: str,
    processes: int,
) -> pd.DataFrame:
    """Write the features of every window of every recording to one array, a batch at a time.

    Batches depend only on the recordings, so the result does not depend on the number of processes. Except for the
    index, memory use does not depend on the number of recordings.

    Parameters
    ----------
    recordings : checked rows: ``file_path, duration_s, sample_rate``.
    audio_root : the folder that paths are relative to.
    array_path : the ``.npy`` file to write: float16, shape (windows, ...).
    windows : the windows that `extractor` receives.
    extractor : maps float32 windows, a tensor of shape (n, samples), to features, shape (n, ...).
    device : the torch device of `extractor`.
    processes : number of processes that decode, and on a CPU also extract.

    Returns
    -------
    The index: one row per window with ``file_path, start_s, end_s, row, content``; times in the recording (s).
    ``content`` is a hash of the array's rows, the same in all rows of the index. Rules that read the array through an
    index therefore run again when the array has changed.

    Raises
    ------
    InputError
        If a file has changed since it was checked.
    """
    chunks, index = windowing.plan_windows(recordings, audio_root, windows)
    with torch.inference_mode():
        shape = extractor(torch.zeros(1, windows.length, device=device)).shape[1:]
    with atomic_write(array_path) as draft:
        offset = _write_header(draft, (len(index), *shape))
        if device == "cpu":
            batches = list(batch_chunks(chunks, BATCH_WINDOWS))
            extract_batch = partial(
                _extract_batch, batches=batches, windows=windows, extractor=extractor, path=draft, offset=offset
            )
            written = process_pool.map_in_order(
                extract_batch,
                range(len(batches)),
                processes,
                on_crash=lambda position: name_culprit(batches[position:]),
            )
        else:
            batches = list(device_extraction.batch_similar_chunks(chunks))
            features = device_extraction.compute_features(batches, windows, extractor, device, processes)
            written = starmap(partial(_write_rows, path=draft, offset=offset), features)
        row_hashes = np.empty((len(index), 32), np.uint8)
        for rows, hashes in track_progress(written, len(batches), "extracting features"):
            row_hashes[rows] = hashes
    logger.info("%d windows of %d recordings", len(index), len(recordings))
    return index.assign(content=combine_row_hashes(row_hashes))


def _extract_batch(
    position: int, batches: list[list[AudioChunk]], windows: WindowSpec, extractor: Extractor, path: Path, offset: int
) -> WrittenRows:
    batch = batches[position]
    first_row = batch[0].first_row
    samples = np.empty((sum(len(chunk.starts) for chunk in batch), windows.length), np.float32)
    for chunk in batch:
        row = chunk.first_row - first_row
        samples[row : row + len(chunk.starts)] = windowing.read_windows(chunk, windows)
    with torch.inference_mode():
        features = extractor(torch.from_numpy(samples)).half().contiguous().numpy()
    return _write_rows(first_row + np.arange(len(features)), features, path, offset)


def _write_rows(rows: npt.NDArray[np.int64], features: npt.NDArray[np.float16], path: Path, offset: int) -> WrittenRows:
    """Write features to their rows of the array whose data start at `offset`; return the rows and their hashes."""
    with open(path, "r+b") as file:
        for run in np.split(np.arange(len(rows)), np.flatnonzero(np.diff(rows) != 1) + 1):
            file.seek(offset + int(rows[run[0]]) * features[0].nbytes)
            file.write(features[run[0] : run[-1] + 1].data)
    return rows, hash_rows(features)


def batch_chunks(chunks: Iterable[AudioChunk], windows: int) -> Iterator[list[AudioChunk]]:
    """Group consecutive chunks into batches of at least this many `windows`."""
    batch: list[AudioChunk] = []
    for chunk in chunks:
        batch.append(chunk)
        if sum(len(member.starts) for member in batch) >= windows:
            yield batch
            batch = []
    if batch:
        yield batch


def _write_header(path: Path, shape: tuple[int, ...]) -> int:
    """Create a float16 array that is filled by position, and return the offset of its data in bytes.

    The space is reserved at once, so that a full disk is detected now.
    """
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f2", "fortran_order": False, "shape": shape})
        offset, size = file.tell(), 2 * int(np.prod(shape, dtype=np.int64))
        file.flush()
        if size and hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), offset, size)
        file.truncate(offset + size)
    return offset
