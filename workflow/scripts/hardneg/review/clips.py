"""Cut what is to be listened to out of recordings: a short sound and its spectrogram."""

import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from matplotlib import colormaps
from PIL import Image
from scipy.fft import rfft
from scipy.signal import get_window

from hardneg.audio import decoding
from hardneg.common import process_context
from hardneg.common.hashing import digest
from hardneg.common.log import track_progress

OPUS_RATES = (8000, 12000, 16000, 24000, 48000)
PEAK = 0.7
MOST_GAIN_DB = 60.0
FRAME_S, COLUMNS_PER_S, PICTURE_ROWS = 0.032, 160, 256
ZERO_PADDING, FLOOR_PERCENTILE, RANGE_DB = 2, 30.0, 45.0


def cut_all(
    candidates: pd.DataFrame,
    audio_root: str,
    folder: str | os.PathLike,
    sample_rate: int,
    context_s: float,
    top_hz: float,
    workers: int,
) -> pd.DataFrame:
    """Write ``<clip>.webp`` and ``<clip>.ogg`` of each candidate to `folder`, in parallel.

    Parameters
    ----------
    candidates : ``file_path, start_s, end_s``.
    audio_root : the folder that paths are relative to.
    sample_rate : of what is heard (Hz); the next higher one that Opus knows is used.
    context_s : added before and after (s), as far as the recording goes.
    top_hz : of the picture.

    Returns
    -------
    ``file_path, clip`` (a name of letters and digits), ``from_s, to_s`` (of the clip in the recording), ``gain_db``.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    cut_one = partial(
        cut, audio_root=audio_root, folder=folder, sample_rate=sample_rate, context_s=context_s, top_hz=top_hz
    )
    rows = candidates[["file_path", "start_s", "end_s"]].itertuples(index=False, name=None)
    with ProcessPoolExecutor(workers, process_context.get_context()) as pool:
        made = list(track_progress(pool.map(cut_one, rows, chunksize=8), len(candidates), "cutting clips"))
    return pd.DataFrame(made, columns=["file_path", "clip", "from_s", "to_s", "gain_db"])


def cut(
    candidate: tuple[str, float, float],
    audio_root: str,
    folder: str | os.PathLike,
    sample_rate: int,
    context_s: float,
    top_hz: float,
) -> tuple[str, str, float, float, float]:
    """Cut one clip; see :func:`cut_all`. It is played at a peak of 0.7, which takes ``gain_db``."""
    file_path, start_s, end_s = candidate
    with soundfile.SoundFile(Path(audio_root, file_path)) as recording:
        stored = recording.samplerate
        first = max(round((start_s - context_s) * stored), 0)
        last = min(round((end_s + context_s) * stored), recording.frames)
        recording.seek(first)
        samples = recording.read(max(last - first, 1), dtype="float32", always_2d=True).mean(axis=1)
    rate = next((known for known in OPUS_RATES if known >= sample_rate), OPUS_RATES[-1])
    samples = decoding.resample(samples, stored, rate)
    samples = samples - samples.mean()
    gain = min(PEAK / max(float(np.abs(samples).max()), 1e-9), 10 ** (MOST_GAIN_DB / 20))
    clip = digest([file_path, start_s], 16)
    soundfile.write(Path(folder, f"{clip}.ogg"), samples * gain, rate, format="OGG", subtype="OPUS")
    picture(samples, rate, top_hz).save(Path(folder, f"{clip}.webp"), quality=60, method=2)
    return file_path, clip, first / stored, last / stored, 20 * np.log10(gain)


def picture(samples: np.ndarray, rate: int, top_hz: float) -> Image.Image:
    """Draw a spectrogram with a linear frequency axis from 0 to `top_hz`, 256 pixels high and 160 wide per second.

    Colours span 45 dB from the 30th percentile up, so that a call stands out at any recording level.
    """
    length, hop = round(FRAME_S * rate), max(round(rate / COLUMNS_PER_S), 1)
    padded = np.pad(samples, (length // 2, length // 2 + max(length - len(samples), 0)), mode="symmetric")
    frames = np.lib.stride_tricks.sliding_window_view(padded, length)[::hop] * get_window("hann", length)
    spectra = np.abs(rfft(frames.astype(np.float32), ZERO_PADDING * length, axis=1)).T
    shown = 20 * np.log10(np.maximum(spectra, 1e-7))[: round(min(top_hz, rate / 2) / rate * ZERO_PADDING * length) + 1]
    floor = np.percentile(shown, FLOOR_PERCENTILE)
    level = np.clip((shown[::-1] - floor) / RANGE_DB, 0, 1)
    colours = (colormaps["magma"](level)[:, :, :3] * 255).astype(np.uint8)
    return Image.fromarray(colours).resize((colours.shape[1], PICTURE_ROWS), Image.Resampling.BILINEAR)
