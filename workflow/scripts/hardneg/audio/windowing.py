"""Lay out which windows a set of recordings has, and hear them a stretch at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from hardneg.audio import decoding, resampling
from hardneg.audio.resampling import REACH, ratio, resampled_length
from hardneg.common.errors import InputError

LONGEST_S = 60


@dataclass(frozen=True)
class WindowSpec:
    """What a front end hears at once, in samples: of `length` samples at `rate` Hz, one each `hop`."""

    rate: int
    length: int
    hop: int


@dataclass(frozen=True)
class AudioChunk:
    """Consecutive windows of one recording, few enough to be held in memory however long the recording.

    Attributes
    ----------
    path : the file.
    rate : Hz, as stored.
    first, count : frames of the file to read. They include a margin for the resampler's filter where the recording goes
        on, and begin where a sample of either rate falls.
    starts : where windows start after `first`, in samples at the windows' rate.
    row : of the first window in the features.
    """

    path: Path
    rate: int
    first: int
    count: int
    starts: np.ndarray
    row: int


def plan_windows(
    recordings: pd.DataFrame, audio_root: str, windows: WindowSpec
) -> tuple[list[AudioChunk], pd.DataFrame]:
    """Lay out all windows of the recordings, without opening any.

    Parameters
    ----------
    recordings : checked rows: ``file_path, duration_s, sample_rate``.
    audio_root : the folder that paths are relative to.

    Returns
    -------
    stretches : in order of their rows.
    index : one row per window with ``file_path, start_s, end_s, row``, times in the recording (s).
    """
    stretches, starts, row = [], [], 0
    for path, rate, count in _stored(recordings):
        heard = compute_window_starts(resampled_length(count, rate, windows.rate), windows.length, windows.hop)
        stretches.extend(_cut(Path(audio_root, path), rate, count, heard, row, windows))
        starts.append(heard)
        row += len(heard)
    sizes = [len(part) for part in starts]
    begin = np.concatenate(starts) if starts else np.empty(0, np.int64)
    index = pd.DataFrame(
        {
            "file_path": np.repeat(recordings.file_path.to_numpy(object), sizes),
            "start_s": begin / windows.rate,
            "end_s": (begin + windows.length) / windows.rate,
            "row": np.arange(row),
        }
    )
    return stretches, index


def plan_from_index(
    index: pd.DataFrame, recordings: pd.DataFrame, audio_root: str, windows: WindowSpec
) -> list[AudioChunk]:
    """Lay out windows that start where those of an index do, which may have been laid out at another rate.

    Parameters
    ----------
    index : ``file_path, start_s`` (s), those of a file together and rising.
    recordings : checked rows, at least of its files.

    Returns
    -------
    Stretches in the order of the index; their rows are places in it.
    """
    stored = {path: (rate, count) for path, rate, count in _stored(recordings)}
    stretches, row = [], 0
    for path, starts in index.groupby("file_path", sort=False).start_s:
        heard = np.rint(starts.to_numpy() * windows.rate).astype(np.int64)
        stretches.extend(_cut(Path(audio_root, path), *stored[path], heard, row, windows))
        row += len(heard)
    return stretches


def _stored(recordings: pd.DataFrame) -> list[tuple[str, int, int]]:
    """Path, sample rate and number of frames of each recording."""
    rates = recordings.sample_rate.to_numpy(np.int64)
    frames = np.rint(recordings.duration_s.to_numpy(np.float64) * rates).astype(np.int64)
    return list(zip(recordings.file_path, rates.tolist(), frames.tolist(), strict=True))


def _cut(path: Path, rate: int, frames: int, starts: np.ndarray, row: int, windows: WindowSpec) -> Iterator[AudioChunk]:
    """Part a recording of `frames` into stretches of at most :data:`LONGEST_S`."""
    if frames <= LONGEST_S * rate:
        yield AudioChunk(path, rate, 0, frames, starts, row)
        return
    up, down = ratio(rate, windows.rate)
    reach = -(-REACH * max(rate, windows.rate) // (windows.rate * down)) if rate != windows.rate else 0
    most = max((LONGEST_S * windows.rate - windows.length) // windows.hop + 1, 1)
    for place in range(0, len(starts), most):
        held = starts[place : place + most]
        units = max(int(held[0]) // up - reach, 0)
        end = min(-(-(int(held[-1]) + windows.length) // up) + reach, -(-frames // down))
        count = min(end * down, frames) - units * down
        yield AudioChunk(path, rate, units * down, count, held - units * up, row + place)


def read_chunk(stretch: AudioChunk) -> np.ndarray:
    """Read a stretch as it is stored; see :func:`hardneg.audio.decoding.read_samples`.

    Raises
    ------
    InputError
        If the file is not what it was when it was checked.
    """
    try:
        samples, found = decoding.read_samples(stretch.path, stretch.first, stretch.count)
    except (OSError, RuntimeError) as error:
        raise _changed(stretch, str(error)) from error
    if len(samples) < stretch.count or found != stretch.rate:
        raise _changed(stretch, f"it has {len(samples)} of {stretch.count} samples at {found} Hz")
    return samples


def read_windows(stretch: AudioChunk, windows: WindowSpec) -> np.ndarray:
    """Decode a stretch, resample it and cut its windows: float32, shape (windows, length)."""
    samples = resampling.to_working_rate(read_chunk(stretch), stretch.rate, windows.rate)
    return cut_windows(samples, stretch.starts, windows.length)


def _changed(stretch: AudioChunk, found: str) -> InputError:
    return InputError(
        f"{stretch.path} could be decoded when it was checked and cannot now ({found}). Restore it, or take it out of "
        "the manifest, and run again."
    )


def compute_window_starts(samples: int, length: int, hop: int) -> np.ndarray:
    """Where windows of `length` samples start in a recording of `samples`, one each `hop`.

    The last window is moved back to end with the recording, so that each sample is heard and no window holds
    padding, unless the recording is shorter than one window.

    Returns
    -------
    int64 array, shape (windows,), rising; at least one.
    """
    last = max(samples - length, 0)
    starts = np.arange(0, last + 1, hop)
    return starts if starts[-1] == last else np.append(starts, last)


def cut_windows(samples: np.ndarray, starts: np.ndarray, length: int) -> np.ndarray:
    """Cut windows of `length` samples from a recording; what lies beyond its end is zero.

    Returns
    -------
    float32, shape (windows, length); a view of `samples` where one window holds them all.
    """
    missing = int(starts[-1]) + length - len(samples)
    if missing > 0:
        samples = np.pad(samples, (0, missing))
    if len(starts) == 1:
        return samples[None, starts[0] : starts[0] + length]
    return np.lib.stride_tricks.sliding_window_view(samples, length)[starts]
