"""Cut the clips of the review page out of recordings: a short sound and its spectrogram."""

import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple, dataclass, fields
from functools import partial
from pathlib import Path
from typing import NoReturn

import numpy as np
import numpy.typing as npt
import pandas as pd
import soundfile
from matplotlib import colormaps
from PIL import Image
from scipy.fft import rfft
from scipy.signal import get_window

from hardneg.audio import decoding
from hardneg.audio.resampling import resample
from hardneg.audio.unfinished_headers import open_recording
from hardneg.common import crash_isolation, process_context
from hardneg.common.errors import InputError
from hardneg.common.hashing import digest
from hardneg.common.log import track_progress

OPUS_RATES = (8000, 12000, 16000, 24000, 48000)
PEAK = 0.7  # of full scale
MAX_GAIN_DB = 60.0
FRAME_S, COLUMNS_PER_S, IMAGE_ROWS = 0.032, 160, 256
ZERO_PADDING, FLOOR_PERCENTILE, RANGE_DB = 2, 30.0, 45.0


@dataclass(frozen=True, slots=True)
class ClipSettings:
    """Settings for cutting clips.

    Attributes
    ----------
    audio_root : folder that paths are relative to.
    sample_rate : rate of the sound (Hz); the next higher rate of the Opus format is used.
    context_s : sound added before and after the window (s), as far as the recording goes.
    top_hz : highest frequency in the spectrogram.
    """

    audio_root: str
    sample_rate: int
    context_s: float
    top_hz: float


@dataclass(frozen=True, slots=True)
class ClipWindow:
    """The window that a clip shows.

    Attributes
    ----------
    file_path : its recording, below the folder of the recordings.
    start_s, end_s : start and end of the window (s).
    """

    file_path: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Clip:
    """One clip.

    Attributes
    ----------
    file_path : its recording.
    clip : name of its two files, made of letters and digits.
    from_s, to_s : its start and end in the recording (s).
    gain_db : gain that scales its peak to :data:`PEAK`.
    """

    file_path: str
    clip: str
    from_s: float
    to_s: float
    gain_db: float


def cut_clips(
    candidates: pd.DataFrame, folder: str | os.PathLike[str], settings: ClipSettings, workers: int
) -> pd.DataFrame:
    """Write ``<clip>.webp`` and ``<clip>.ogg`` of each candidate to `folder`, in parallel.

    Parameters
    ----------
    candidates : ``file_path, start_s, end_s``.
    folder : folder of the clips.
    settings : how to cut.
    workers : number of processes.

    Returns
    -------
    One row per candidate with the fields of :class:`Clip`.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    cut = partial(cut_clip, folder=folder, settings=settings)
    rows = candidates[["file_path", "start_s", "end_s"]].itertuples(index=False, name=None)
    windows = [ClipWindow(*row) for row in rows]
    start_pool = partial(ProcessPoolExecutor, mp_context=process_context.get_context())
    results = crash_isolation.map_in_order(cut, windows, start_pool, workers, _raise_crash, pending_per_worker=8)
    clips = list(track_progress(results, len(candidates), "cutting clips"))
    return pd.DataFrame(list(map(astuple, clips)), columns=[field.name for field in fields(Clip)])


def cut_clip(window: ClipWindow, folder: str | os.PathLike[str], settings: ClipSettings) -> Clip:
    """Cut the clip of one window; see :func:`cut_clips`."""
    path = Path(settings.audio_root, window.file_path)
    try:
        decoding.refuse_special_file(path)
        with open_recording(path) as recording:
            recording_rate = recording.samplerate
            first = max(round((window.start_s - settings.context_s) * recording_rate), 0)
            last = min(round((window.end_s + settings.context_s) * recording_rate), recording.frames)
            recording.seek(first)
            samples = recording.read(max(last - first, 1), dtype="float32", always_2d=True).mean(axis=1)
    except (OSError, RuntimeError) as error:
        raise InputError(f"{path} passed the check but cannot be decoded now ({error}). Restore the file.") from error
    rate = next((rate for rate in OPUS_RATES if rate >= settings.sample_rate), OPUS_RATES[-1])
    samples = resample(samples, recording_rate, rate)
    samples = samples - samples.mean()
    gain = min(PEAK / max(float(np.abs(samples).max()), 1e-9), 10 ** (MAX_GAIN_DB / 20))
    clip = digest([window.file_path, window.start_s], 16)
    soundfile.write(Path(folder, f"{clip}.ogg"), samples * gain, rate, format="OGG", subtype="OPUS")
    draw_spectrogram(samples, rate, settings.top_hz).save(Path(folder, f"{clip}.webp"), quality=60, method=2)
    return Clip(window.file_path, clip, first / recording_rate, last / recording_rate, 20 * np.log10(gain))


def _raise_crash(window: ClipWindow) -> NoReturn:
    raise InputError(
        f"{window.file_path} passed the check, but cutting its clip crashed the process or took more memory than there "
        "is. Restore the file, or remove it from the manifest, and run again."
    )


def draw_spectrogram(samples: npt.NDArray[np.float32], rate: int, top_hz: float) -> Image.Image:
    """Draw a spectrogram with a linear frequency axis from 0 to `top_hz`, 256 pixels high and 160 wide per second.

    The colors span 45 dB, starting at the 30th percentile, so that a call stands out at any recording level.
    """
    length, hop = round(FRAME_S * rate), max(round(rate / COLUMNS_PER_S), 1)
    padded = np.pad(samples, (length // 2, length // 2 + max(length - len(samples), 0)), mode="symmetric")
    frames = np.lib.stride_tricks.sliding_window_view(padded, length)[::hop] * get_window("hann", length)
    magnitudes = np.abs(rfft(frames.astype(np.float32), ZERO_PADDING * length, axis=1)).T
    rows = round(min(top_hz, rate / 2) / rate * ZERO_PADDING * length) + 1
    decibels = 20 * np.log10(np.maximum(magnitudes, 1e-7))[:rows]
    floor = np.percentile(decibels, FLOOR_PERCENTILE)
    brightness = np.clip((decibels[::-1] - floor) / RANGE_DB, 0, 1)
    pixels = (colormaps["magma"](brightness)[:, :, :3] * 255).astype(np.uint8)
    return Image.fromarray(pixels).resize((pixels.shape[1], IMAGE_ROWS), Image.Resampling.BILINEAR)
