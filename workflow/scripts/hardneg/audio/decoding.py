"""Decode recordings and cut them into windows."""

import os
import wave

import numpy as np
import soundfile
import soxr

# Stored integers are read as such and scaled here, which gives what libsndfile's own conversion gives, much faster.
INTEGERS = {"PCM_S8": "int16", "PCM_U8": "int16", "PCM_16": "int16", "PCM_24": "int32", "PCM_32": "int32"}


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
    samples, rate = read_samples(path)
    return to_float_mono(samples), rate


def read_samples(path: str | os.PathLike, first: int = 0, count: int = -1) -> tuple[np.ndarray, int]:
    """Read a file as it is stored: int16 or int32 where it stores integers, else float32.

    Parameters
    ----------
    first, count : frames to read; a `count` of -1 for all from `first` on.

    Returns
    -------
    samples : shape (n, channels), where n is smaller than `count` if the recording ends before.
    sample_rate : Hz, as stored.

    Raises
    ------
    soundfile.LibsndfileError
        If the file is absent or is not audio that libsndfile reads.
    """
    plain = _plain_wav(path, first, count)
    if plain:
        return plain
    with soundfile.SoundFile(path) as recording:
        if first:
            recording.seek(first)
        dtype = INTEGERS.get(recording.subtype, "float32")
        return recording.read(count, dtype=dtype, always_2d=True), recording.samplerate


def _plain_wav(path: str | os.PathLike, first: int, count: int) -> tuple[np.ndarray, int] | None:
    """Read 16-bit PCM from a WAV file by the standard library, in half of libsndfile's time.

    None if the file is anything else, or does not hold what is asked for or what it says: libsndfile may know more.
    """
    try:
        with wave.open(os.fspath(path)) as recording:
            count = recording.getnframes() - first if count < 0 else count
            if recording.getsampwidth() != 2 or count < 1:
                return None
            recording.setpos(first)
            stored = np.frombuffer(recording.readframes(count), np.int16)
            channels, rate = recording.getnchannels(), recording.getframerate()
    except (OSError, EOFError, ValueError, wave.Error):
        return None
    return (stored.reshape(count, channels), rate) if len(stored) == count * channels else None


def to_float_mono(samples: np.ndarray) -> np.ndarray:
    """Scale integers to full scale at 1 and take the mean of the channels: ``(n, channels)`` to float32 ``(n,)``."""
    scale = None if samples.dtype == np.float32 else np.float32(2.0 ** (1 - 8 * samples.dtype.itemsize))
    wide = samples.astype(np.float32, copy=False)
    if scale is not None:
        wide *= scale
    return wide[:, 0] if wide.shape[1] == 1 else wide.mean(axis=1)


def resample(samples: np.ndarray, rate: int, target_rate: int) -> np.ndarray:
    """Resample with soxr at its high quality: float32 in, float32 out, shape (n * target_rate / rate,)."""
    return samples if rate == target_rate else soxr.resample(samples, rate, target_rate, quality="HQ")
