"""Decode recordings and cut them into windows."""

import os

import numpy as np
import soundfile
import soxr


def decode(path: str | os.PathLike) -> tuple[np.ndarray, int]:
    """Decode a file to mono: the mean of its channels.

    Returns
    -------
    samples : float32, shape (n,), full scale at 1.
    sample_rate : Hz, as stored.

    Raises
    ------
    soundfile.LibsndfileError
        If the file is absent or is not audio that libsndfile reads.
    """
    samples, sample_rate = soundfile.read(path, dtype="float32", always_2d=True)
    return (samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1)), sample_rate


def resample(samples: np.ndarray, rate: int, target_rate: int) -> np.ndarray:
    """Resample with soxr at its high quality: float32 in, float32 out, shape (n * target_rate / rate,)."""
    return samples if rate == target_rate else soxr.resample(samples, rate, target_rate, quality="HQ")


def window_starts(samples: int, length: int, hop: int) -> np.ndarray:
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


def windows(samples: np.ndarray, length: int, hop: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut a recording into windows; see :func:`window_starts`.

    Returns
    -------
    windows : float32, shape (windows, length); a short recording is padded with zeros.
    starts : int64, shape (windows,), in samples.
    """
    starts = window_starts(len(samples), length, hop)
    padded = np.pad(samples, (0, max(length - len(samples), 0)))
    return np.lib.stride_tricks.sliding_window_view(padded, length)[starts], starts
