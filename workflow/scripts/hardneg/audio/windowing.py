"""Plan the windows of a set of recordings, and read their audio in chunks that fit in memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from hardneg.audio import decoding, resampling
from hardneg.audio.decoding import StoredSamples
from hardneg.audio.resampling import FILTER_REACH, reduce_rates, resampled_length
from hardneg.common.errors import InputError

MAX_CHUNK_S = 60


@dataclass(frozen=True, slots=True)
class WindowSpec:
    """The windows that a feature extractor receives.

    Attributes
    ----------
    rate : sample rate that recordings are resampled to (Hz).
    length : samples in a window.
    hop : samples from the start of one window to the start of the next.
    """

    rate: int
    length: int
    hop: int

    @classmethod
    def from_seconds(cls, length_s: float, hop_s: float, sample_rate: int) -> Self:
        """Convert the configuration's ``windows``, which has seconds, to samples."""
        return cls(sample_rate, round(length_s * sample_rate), round(hop_s * sample_rate))


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """Consecutive windows of one recording, few enough to fit in memory however long the recording is.

    Attributes
    ----------
    path : the file.
    rate : sample rate of the file (Hz).
    first_frame : where to start reading. The file and the resampled recording both have a sample at this time.
    frames : frames to read. Where the recording continues, they include a margin for the resampler's filter.
    starts : first sample of each window, counted from `first_frame` at the windows' rate; int64, shape (windows,).
    first_row : row of the first window in the features.
    """

    path: Path
    rate: int
    first_frame: int
    frames: int
    starts: npt.NDArray[np.int64]
    first_row: int


def plan_windows(
    recordings: pd.DataFrame, audio_root: str, windows: WindowSpec
) -> tuple[list[AudioChunk], pd.DataFrame]:
    """Plan all windows of the recordings without opening a file.

    Parameters
    ----------
    recordings : checked rows with ``file_path, duration_s, sample_rate``.
    audio_root : the folder that paths are relative to.

    Returns
    -------
    chunks : in order of their rows.
    index : one row per window with ``file_path, start_s, end_s, row``; times in the recording (s).
    """
    chunks: list[AudioChunk] = []
    starts_by_file = []
    row = 0
    for path, rate, frames in _stored_lengths(recordings):
        starts = compute_window_starts(resampled_length(frames, rate, windows.rate), windows.length, windows.hop)
        chunks.extend(_split_into_chunks(Path(audio_root, path), rate, frames, starts, row, windows))
        starts_by_file.append(starts)
        row += len(starts)
    all_starts = np.concatenate(starts_by_file) if starts_by_file else np.empty(0, np.int64)
    index = pd.DataFrame(
        {
            "file_path": np.repeat(recordings.file_path.to_numpy(object), [len(starts) for starts in starts_by_file]),
            "start_s": all_starts / windows.rate,
            "end_s": (all_starts + windows.length) / windows.rate,
            "row": np.arange(row),
        }
    )
    return chunks, index


def plan_from_index(
    index: pd.DataFrame, recordings: pd.DataFrame, audio_root: str, windows: WindowSpec
) -> list[AudioChunk]:
    """Plan windows that start where those of an index do. The index may come from another sample rate.

    Parameters
    ----------
    index : ``file_path, start_s`` (s). The rows of a file are consecutive, and their times rise.
    recordings : checked rows with at least the files of the index.

    Returns
    -------
    Chunks in the order of the index. Their rows are positions in the index.
    """
    stored = {path: (rate, frames) for path, rate, frames in _stored_lengths(recordings)}
    chunks: list[AudioChunk] = []
    row = 0
    for path, start_s in index.groupby("file_path", sort=False).start_s:
        starts = np.rint(start_s.to_numpy() * windows.rate).astype(np.int64)
        chunks.extend(_split_into_chunks(Path(audio_root, path), *stored[path], starts, row, windows))
        row += len(starts)
    return chunks


def compute_window_starts(samples: int, length: int, hop: int) -> npt.NDArray[np.int64]:
    """Compute where windows of `length` samples start in a recording of `samples`, one every `hop`.

    The last window moves back so that it ends with the recording. Windows therefore cover every sample, and only a
    recording shorter than one window is padded.

    Returns
    -------
    int64 array, shape (windows,), rising; at least one window.

    Examples
    --------
    Windows of 3 s, one every 2 s, in a recording of 8 s; a second has 10 samples:

    >>> compute_window_starts(80, length=30, hop=20)
    array([ 0, 20, 40, 50])
    """
    last = max(samples - length, 0)
    starts = np.arange(0, last + 1, hop)
    return starts if starts[-1] == last else np.append(starts, last)


def cut_windows(
    samples: npt.NDArray[np.float32], starts: npt.NDArray[np.int64], length: int
) -> npt.NDArray[np.float32]:
    """Cut windows of `length` samples from a recording. Samples after its end are zero.

    Returns
    -------
    float32, shape (windows, length); a view of `samples` if there is one window that needs no padding.
    """
    missing = int(starts[-1]) + length - len(samples)
    if missing > 0:
        samples = np.pad(samples, (0, missing))
    if len(starts) == 1:
        return samples[None, starts[0] : starts[0] + length]
    return np.lib.stride_tricks.sliding_window_view(samples, length)[starts]


def read_chunk(chunk: AudioChunk) -> StoredSamples:
    """Read a chunk in the file's own sample type; see :func:`hardneg.audio.decoding.read_samples`.

    Raises
    ------
    InputError
        If the file has changed since it was checked.
    """
    try:
        samples, rate = decoding.read_samples(chunk.path, chunk.first_frame, chunk.frames)
    except (OSError, RuntimeError) as error:
        raise changed_file_error(chunk, str(error)) from error
    if len(samples) < chunk.frames or rate != chunk.rate:
        raise changed_file_error(chunk, f"{len(samples)} of {chunk.frames} samples, at {rate} Hz")
    return samples


def read_windows(chunk: AudioChunk, windows: WindowSpec) -> npt.NDArray[np.float32]:
    """Decode a chunk, resample it and cut its windows: float32, shape (windows, length)."""
    samples = resampling.mix_down_and_resample(read_chunk(chunk), chunk.rate, windows.rate)
    return cut_windows(samples, chunk.starts, windows.length)


def _stored_lengths(recordings: pd.DataFrame) -> list[tuple[str, int, int]]:
    """List the path, sample rate and number of frames of each recording."""
    rates = recordings.sample_rate.to_numpy(np.int64)
    frames = np.rint(recordings.duration_s.to_numpy(np.float64) * rates).astype(np.int64)
    return list(zip(recordings.file_path, rates.tolist(), frames.tolist(), strict=True))


def _split_into_chunks(
    path: Path, rate: int, frames: int, starts: npt.NDArray[np.int64], first_row: int, windows: WindowSpec
) -> Iterator[AudioChunk]:
    """Divide the windows of a recording into chunks of at most :data:`MAX_CHUNK_S`."""
    if frames <= MAX_CHUNK_S * rate:
        yield AudioChunk(path, rate, 0, frames, starts, first_row)
        return
    up, down = reduce_rates(rate, windows.rate)
    # Both rates have a sample at each multiple of `down` frames, so reading starts and ends at such units.
    reach = -(-FILTER_REACH * max(rate, windows.rate) // (windows.rate * down)) if rate != windows.rate else 0
    windows_per_chunk = max((MAX_CHUNK_S * windows.rate - windows.length) // windows.hop + 1, 1)
    for position in range(0, len(starts), windows_per_chunk):
        chunk_starts = starts[position : position + windows_per_chunk]
        first_unit = max(int(chunk_starts[0]) // up - reach, 0)
        last_unit = min(-(-(int(chunk_starts[-1]) + windows.length) // up) + reach, -(-frames // down))
        count = min(last_unit * down, frames) - first_unit * down
        yield AudioChunk(path, rate, first_unit * down, count, chunk_starts - first_unit * up, first_row + position)


def changed_file_error(chunk: AudioChunk, reason: str) -> InputError:
    """Describe why a recording that passed the check cannot be decoded now."""
    return InputError(
        f"{chunk.path} passed the check but cannot be decoded now ({reason}). Restore the file, or remove it from the "
        "manifest, and run again."
    )
