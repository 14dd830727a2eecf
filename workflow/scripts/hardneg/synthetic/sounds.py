"""Synthesise the sounds of a pond at night: a frog's call, what is mistaken for it, and the background.

All of it is generated. The target's call has the structure of *Rana draytonii*'s: a few grunts, each a short train of
pulses, and a longer, slower growl. It is a stand-in with which the workflow can be tried, not a model of the species.
"""

import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from scipy.signal import butter, fftconvolve, lfilter, sosfilt

from hardneg.common import process_context
from hardneg.common.hashing import digest, uniform
from hardneg.common.log import track_progress

Generator = np.random.Generator


def target_call(rng: Generator, length: int, rate: int) -> np.ndarray:
    """Three to six grunts and a growl, somewhere in the window.

    Parameters
    ----------
    length : samples to fill.
    rate : samples per second.

    Returns
    -------
    float64, shape (length,), with a root mean square of 1 while it sounds.
    """
    bodies = rng.uniform(380, 480), rng.uniform(900, 1150)
    grunts, interval = rng.integers(3, 7), rng.uniform(0.2, 0.3)
    trains = [(place * interval, rng.uniform(0.09, 0.14), rng.uniform(60, 78)) for place in range(grunts)]
    trains.append((grunts * interval + 0.05, rng.uniform(0.45, 0.8), rng.uniform(32, 42)))
    return _place(rng, pulse_trains(rng, trains, bodies, rate), length)


def tree_frog(rng: Generator, length: int, rate: int) -> np.ndarray:
    """Another frog whose notes sit where the target's grunts do, at twice their pulse rate and without a growl."""
    bodies = rng.uniform(420, 620), rng.uniform(1000, 1500)
    notes, interval = rng.integers(3, 8), rng.uniform(0.2, 0.4)
    trains = [(place * interval, rng.uniform(0.09, 0.16), rng.uniform(105, 150)) for place in range(notes)]
    return _place(rng, pulse_trains(rng, trains, bodies, rate), length)


def chorus_frog(rng: Generator, length: int, rate: int) -> np.ndarray:
    """Creaks of slow, quickening pulses, higher than the target."""
    bodies = rng.uniform(1900, 2700), rng.uniform(2900, 3400)
    trains = [(place * 0.9, rng.uniform(0.4, 0.7), rng.uniform(22, 34)) for place in range(rng.integers(1, 4))]
    return _place(rng, pulse_trains(rng, trains, bodies, rate, quickening=1.5), length)


def bullfrog(rng: Generator, length: int, rate: int) -> np.ndarray:
    """One or two low bellows: harmonics of about 100 Hz, strongest at 200-400 Hz and again near 1,400 Hz."""
    time = np.arange(round(rng.uniform(0.6, 0.9) * rate)) / rate
    pitch = rng.uniform(85, 115)
    weights = {k: np.exp(-(((k * pitch - 300) / 140) ** 2)) + 0.2 * np.exp(-(((k * pitch - 1400) / 250) ** 2))
               for k in range(1, 20)}  # fmt: skip
    bellow = sum(w * np.sin(2 * np.pi * k * pitch * time + rng.uniform(0, 6.3)) for k, w in weights.items())
    bellow *= np.sqrt(np.hanning(len(time)))
    gap = np.zeros(rate // 4)
    return _place(rng, np.concatenate([bellow, gap, bellow] if rng.random() < 0.5 else [bellow]), length)


def insect(rng: Generator, length: int, rate: int) -> np.ndarray:
    """A steady trill above the frogs."""
    time = np.arange(length) / rate
    carrier = np.sin(2 * np.pi * rng.uniform(0.26, 0.42) * rate * time)
    return _unit(carrier * (1 + np.sin(2 * np.pi * rng.uniform(15, 60) * time)) ** 2)


def rain(rng: Generator, length: int, rate: int) -> np.ndarray:
    """Drops: short wide-band knocks at random, over a hiss."""
    knocks = (rng.random(length) < rng.uniform(15, 80) / rate) * rng.exponential(1.0, length)
    body = rng.uniform(700, 2500)
    return _unit(fftconvolve(knocks, _ring(rate, (body,), 0.006))[:length] + 0.05 * rng.standard_normal(length))


def wind(rng: Generator, length: int, rate: int) -> np.ndarray:
    """Low noise in gusts."""
    noise = sosfilt(butter(2, rng.uniform(150, 500), fs=rate, output="sos"), rng.standard_normal(length))
    gusts = 1 + np.sin(2 * np.pi * rng.uniform(0.2, 1.0) * np.arange(length) / rate + rng.uniform(0, 6.3))
    return _unit(noise * gusts)


def voice(rng: Generator, length: int, rate: int) -> np.ndarray:
    """Syllables of a gliding pitch through two formants."""
    time = np.arange(length) / rate
    pitch = rng.uniform(95, 210) * (1 + 0.15 * np.sin(2 * np.pi * rng.uniform(0.5, 2) * time))
    source = np.diff(np.floor(np.cumsum(pitch) / rate), prepend=0.0)
    syllables = np.clip(np.sin(2 * np.pi * rng.uniform(2.5, 4.5) * time + rng.uniform(0, 6.3)), 0, None)
    formants = rng.uniform(350, 750), rng.uniform(1000, 2000)
    return _unit(fftconvolve(source, _ring(rate, formants, 0.008))[:length] * syllables)


def engine(rng: Generator, length: int, rate: int) -> np.ndarray:
    """Firing strokes at the growl's own pulse rates, without end and with a duller body."""
    train = [(0.0, length / rate, rng.uniform(25, 60))]
    bodies = rng.uniform(90, 250), rng.uniform(300, 700)
    return _unit(_fit(pulse_trains(rng, train, bodies, rate, ring_s=0.012), length))


def quiet(rng: Generator, length: int, rate: int) -> np.ndarray:
    """Nothing but the background."""
    return np.zeros(length)


SOUNDS = {
    sound.__name__: sound
    for sound in (target_call, tree_frog, chorus_frog, bullfrog, insect, rain, wind, voice, engine, quiet)
}


def background(rng: Generator, length: int, rate: int, slope: float, hum_hz: float) -> np.ndarray:
    """A place's own noise: its power falls by `slope` dB per octave, over a faint hum.

    Returns
    -------
    float64, shape (length,), root mean square 1.
    """
    spectrum = np.fft.rfft(rng.standard_normal(length))
    octaves = np.log2(np.maximum(np.fft.rfftfreq(length, 1 / rate), 20.0) / 1000)
    noise = _unit(np.fft.irfft(spectrum * 10 ** (-slope * octaves / 20), length))
    return _unit(noise + 0.1 * np.sin(2 * np.pi * hum_hz * np.arange(length) / rate))


def record(sound: np.ndarray, rate: int, low_cut_hz: float, high_cut_hz: float, gain_db: float) -> np.ndarray:
    """Pass sound through a recorder: first-order low and high cuts, gain, and 16 bits that clip.

    Returns
    -------
    int16, the shape of `sound`.
    """
    for cut, kind in ((low_cut_hz, "highpass"), (min(high_cut_hz, 0.45 * rate), "lowpass")):
        sound = lfilter(*butter(1, cut, kind, fs=rate), sound)
    return np.clip(np.round(sound * 10 ** (gain_db / 20) * 32768), -32768, 32767).astype(np.int16)


def render_recordings(table: pd.DataFrame, audio_root: str | os.PathLike, workers: int) -> None:
    """Synthesise every file of a :func:`hardneg.synthetic.dataset.draw_design` as 16-bit WAV under `audio_root`, in parallel."""
    for folder in table.file_path.map(lambda path: Path(audio_root, path).parent).unique():
        folder.mkdir(parents=True, exist_ok=True)
    rows = table.to_dict("records")
    with ProcessPoolExecutor(workers, process_context.get_context()) as pool:
        for _ in track_progress(pool.map(partial(_write, audio_root), rows, chunksize=32), len(rows), "generating"):
            pass


def _write(audio_root: str | os.PathLike, row: dict) -> None:
    rate, length = row["sample_rate_hz"], round(row["duration_s"] * row["sample_rate_hz"])
    rng = np.random.default_rng(int(digest([row["file_path"], row["seed"]]), 16))
    place = uniform([f"{row['site']}:{name}" for name in ("slope", "hum", "level")], "site")
    device = uniform([f"{row['recorder_id']}:{name}" for name in ("low", "high", "gain")], "recorder")
    floor = background(rng, length, rate, 2 + 5 * place[0], 50 + 80 * place[1])
    sound = SOUNDS[row["sound"]](rng, length, rate)
    mixture = 0.003 * 10 ** (place[2] * 10 / 20) * (floor + sound * 10 ** (row["snr_db"] / 20))
    samples = record(mixture, rate, 30 + 150 * device[0], 4000 + 8000 * device[1], 20 * device[2] - 4)
    soundfile.write(Path(audio_root, row["file_path"]), samples, rate, subtype="PCM_16", format="WAV")


def pulse_trains(rng: Generator, trains, bodies, rate: int, ring_s: float = 0.004, quickening: float = 1.0):
    """Trains of pulses that ring at the resonances of a body.

    Parameters
    ----------
    trains : for each train its start (s), length (s) and pulses per second.
    bodies : resonances (Hz), each weaker than the one before.
    ring_s : time in which a pulse dies away to 1/e (s).
    quickening : how much faster a train's last pulses follow than its first.

    Returns
    -------
    float64, from the first pulse to the end of the last train.
    """
    end = max(start + lasts for start, lasts, _ in trains)
    clicks = np.zeros(round((end + 0.03) * rate))
    for start, lasts, pulse_rate in trains:
        pulses = max(round(lasts * pulse_rate), 2)
        times = start + lasts * np.linspace(0, 1, pulses) ** (1 / quickening) + rng.normal(0, 0.0008, pulses)
        strength = np.sin(np.linspace(0.25, np.pi - 0.25, pulses)) * rng.uniform(0.8, 1.2, pulses)
        clicks[np.clip(np.round(times * rate).astype(int), 0, len(clicks) - 1)] += strength
    return fftconvolve(clicks, _ring(rate, bodies, ring_s))[: len(clicks)]


def _ring(rate: int, bodies, ring_s: float) -> np.ndarray:
    time = np.arange(round(6 * ring_s * rate)) / rate
    tones = sum(np.sin(2 * np.pi * body * time) / (place + 1) for place, body in enumerate(bodies))
    return np.exp(-time / ring_s) * tones


def _place(rng: Generator, call: np.ndarray, length: int) -> np.ndarray:
    call = _unit(call[:length])
    start = rng.integers(0, length - len(call) + 1)
    return np.pad(call, (start, length - len(call) - start))


def _fit(sound: np.ndarray, length: int) -> np.ndarray:
    return np.pad(sound, (0, max(length - len(sound), 0)))[:length]


def _unit(sound: np.ndarray) -> np.ndarray:
    return sound / max(float(np.sqrt(np.mean(sound**2))), 1e-12)
