"""Decode recordings to mono samples."""

import os
import stat
import wave
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from hardneg.audio.unfinished_headers import open_recording

StoredSamples: TypeAlias = npt.NDArray[np.int16 | np.int32 | np.float32]
AUDIO_SUFFIXES = {".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff", ".opus", ".w64", ".caf", ".au"}
# Integers are read as integers and scaled here. The result equals libsndfile's own conversion and is much faster.
INTEGER_TYPES = {"PCM_S8": "int16", "PCM_U8": "int16", "PCM_16": "int16", "PCM_24": "int32", "PCM_32": "int32"}


def decode(path: str | os.PathLike[str]) -> tuple[npt.NDArray[np.float32], int]:
    """Decode a file to mono: the mean of its channels.

    Returns
    -------
    samples : float32, shape (n,); full scale is 1.
    sample_rate : of the file (Hz).

    Raises
    ------
    OSError
        If the file does not exist, or is not a regular file.
    soundfile.LibsndfileError
        If libsndfile cannot read it.
    """
    samples, rate = read_samples(path)
    return to_float_mono(samples), rate


def read_samples(path: str | os.PathLike[str], first: int = 0, count: int = -1) -> tuple[StoredSamples, int]:
    """Read a file in its own sample type: int16 or int32 if it stores integers, otherwise float32.

    Parameters
    ----------
    first : first frame to read.
    count : frames to read; -1 reads to the end.

    Returns
    -------
    samples : shape (n, channels), where n is smaller than `count` if the recording ends early.
    sample_rate : of the file (Hz).

    Raises
    ------
    OSError
        If the file does not exist, or is not a regular file.
    soundfile.LibsndfileError
        If libsndfile cannot read it.
    """
    refuse_special_file(path)
    pcm16 = _read_pcm16_wav(path, first, count)
    if pcm16:
        return pcm16
    with open_recording(path) as recording:
        if first:
            recording.seek(first)
        dtype = INTEGER_TYPES.get(recording.subtype, "float32")
        return recording.read(count, dtype=dtype, always_2d=True), recording.samplerate


def refuse_special_file(path: str | os.PathLike[str]) -> None:
    """Refuse a named pipe, a device or a folder in the place of a recording. Reading a pipe could wait without end.

    Raises
    ------
    OSError
        If the file does not exist, or is not a regular file.
    """
    if not stat.S_ISREG(Path(path).stat().st_mode):
        raise OSError(f"{os.fspath(path)} is not a regular file: replace it by the recording.")


def _read_pcm16_wav(path: str | os.PathLike[str], first: int, count: int) -> tuple[npt.NDArray[np.int16], int] | None:
    """Read 16-bit PCM from a WAV file with the standard library, in half of libsndfile's time.

    None if the file has another format, or fewer frames than its header or the caller expects. libsndfile may still
    be able to read such a file.
    """
    try:
        with wave.open(os.fspath(path)) as recording:
            count = recording.getnframes() - first if count < 0 else count
            if recording.getsampwidth() != 2 or count < 1:
                return None
            recording.setpos(first)
            samples = np.frombuffer(recording.readframes(count), np.int16)
            channels, rate = recording.getnchannels(), recording.getframerate()
    except (OSError, EOFError, ValueError, wave.Error):
        return None
    return (samples.reshape(count, channels), rate) if len(samples) == count * channels else None


def to_float_mono(samples: StoredSamples) -> npt.NDArray[np.float32]:
    """Scale integers so that full scale is 1, and average the channels: ``(n, channels)`` to float32 ``(n,)``."""
    scale = None if samples.dtype == np.float32 else np.float32(2.0 ** (1 - 8 * samples.dtype.itemsize))
    scaled = samples.astype(np.float32, copy=False)
    if scale is not None:
        scaled *= scale
    return scaled[:, 0] if scaled.shape[1] == 1 else scaled.mean(axis=1)
