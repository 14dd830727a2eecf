"""Synthesize the sounds of a pond at night: a frog's call, sounds that are mistaken for it, and the background.

Every sound is generated. The target's call has the structure of *Rana draytonii*'s call: a few grunts, each a short
train of pulses, and a longer, slower growl. It serves to try the workflow and is not a model of the species.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import soundfile
from scipy.signal import butter, fftconvolve, lfilter, sosfilt

from hardneg.common import process_context
from hardneg.common.hashing import digest, uniform
from hardneg.common.log import track_progress

Generator: TypeAlias = np.random.Generator
Sound: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PulseTrain:
    """A series of pulses.

    Attributes
    ----------
    start_s : time of the first pulse (s).
    duration_s : length of the series (s).
    pulse_rate : pulses per second.
    """

    start_s: float
    duration_s: float
    pulse_rate: float


@dataclass(frozen=True, slots=True)
class RecordingDesign:
    """Settings that determine the samples of one generated recording.

    Attributes
    ----------
    file_path : path below the folder of the audio. With `seed`, it decides the random draws.
    site : decides the background.
    recorder_id : decides how the recorder changes the sound.
    sound : name in :data:`SOUNDS`.
    snr_db : level of the sound above the background (dB).
    sample_rate_hz, duration_s : of the file.
    seed : of the data set.
    """

    file_path: str
    site: str
    recorder_id: str
    sound: str
    snr_db: float
    sample_rate_hz: int
    duration_s: float
    seed: int


DESIGN_COLUMNS = ["file_path", "site", "recorder_id", "sound", "snr_db", "sample_rate_hz", "duration_s", "seed"]


def target_call(rng: Generator, length: int, rate: int) -> Sound:
    """Three to six grunts and a growl, somewhere in the window.

    Parameters
    ----------
    length : samples to fill.
    rate : samples per second.

    Returns
    -------
    float64, shape (length,), with a root mean square of 1 during the call.
    """
    resonances = rng.uniform(380, 480), rng.uniform(900, 1150)
    grunts, interval = rng.integers(3, 7), rng.uniform(0.2, 0.3)
    trains = [PulseTrain(n * interval, rng.uniform(0.09, 0.14), rng.uniform(60, 78)) for n in range(grunts)]
    trains.append(PulseTrain(grunts * interval + 0.05, rng.uniform(0.45, 0.8), rng.uniform(32, 42)))
    return _insert_at_random(rng, synthesize_pulse_trains(rng, trains, resonances, rate), length)


def tree_frog(rng: Generator, length: int, rate: int) -> Sound:
    """Another frog, with notes in the band of the target's grunts, at twice their pulse rate and without a growl."""
    resonances = rng.uniform(420, 620), rng.uniform(1000, 1500)
    notes, interval = rng.integers(3, 8), rng.uniform(0.2, 0.4)
    trains = [PulseTrain(n * interval, rng.uniform(0.09, 0.16), rng.uniform(105, 150)) for n in range(notes)]
    return _insert_at_random(rng, synthesize_pulse_trains(rng, trains, resonances, rate), length)


def chorus_frog(rng: Generator, length: int, rate: int) -> Sound:
    """Creaks of slow, accelerating pulses, higher than the target."""
    resonances = rng.uniform(1900, 2700), rng.uniform(2900, 3400)
    creaks = range(rng.integers(1, 4))
    trains = [PulseTrain(n * 0.9, rng.uniform(0.4, 0.7), rng.uniform(22, 34)) for n in creaks]
    return _insert_at_random(rng, synthesize_pulse_trains(rng, trains, resonances, rate, acceleration=1.5), length)


def bullfrog(rng: Generator, length: int, rate: int) -> Sound:
    """One or two low bellows: harmonics of about 100 Hz, strongest at 200-400 Hz and again near 1,400 Hz."""
    time = np.arange(round(rng.uniform(0.6, 0.9) * rate)) / rate
    pitch = rng.uniform(85, 115)
    weights = {k: np.exp(-(((k * pitch - 300) / 140) ** 2)) + 0.2 * np.exp(-(((k * pitch - 1400) / 250) ** 2))
               for k in range(1, 20)}  # fmt: skip
    bellow = sum(w * np.sin(2 * np.pi * k * pitch * time + rng.uniform(0, 6.3)) for k, w in weights.items())
    bellow *= np.sqrt(np.hanning(len(time)))
    gap = np.zeros(rate // 4)
    return _insert_at_random(rng, np.concatenate([bellow, gap, bellow] if rng.random() < 0.5 else [bellow]), length)


def insect(rng: Generator, length: int, rate: int) -> Sound:
    """A steady trill above the frogs."""
    time = np.arange(length) / rate
    carrier = np.sin(2 * np.pi * rng.uniform(0.26, 0.42) * rate * time)
    return _normalize(carrier * (1 + np.sin(2 * np.pi * rng.uniform(15, 60) * time)) ** 2)


def rain(rng: Generator, length: int, rate: int) -> Sound:
    """Drops: short wide-band knocks at random times, and a hiss."""
    knocks = (rng.random(length) < rng.uniform(15, 80) / rate) * rng.exponential(1.0, length)
    resonance = rng.uniform(700, 2500)
    drops = fftconvolve(knocks, _impulse_response(rate, (resonance,), 0.006))[:length]
    return _normalize(drops + 0.05 * rng.standard_normal(length))


def wind(rng: Generator, length: int, rate: int) -> Sound:
    """Low noise in gusts."""
    noise = sosfilt(butter(2, rng.uniform(150, 500), fs=rate, output="sos"), rng.standard_normal(length))
    gusts = 1 + np.sin(2 * np.pi * rng.uniform(0.2, 1.0) * np.arange(length) / rate + rng.uniform(0, 6.3))
    return _normalize(noise * gusts)


def voice(rng: Generator, length: int, rate: int) -> Sound:
    """Syllables of a gliding pitch through two formants."""
    time = np.arange(length) / rate
    pitch = rng.uniform(95, 210) * (1 + 0.15 * np.sin(2 * np.pi * rng.uniform(0.5, 2) * time))
    source = np.diff(np.floor(np.cumsum(pitch) / rate), prepend=0.0)
    syllables = np.clip(np.sin(2 * np.pi * rng.uniform(2.5, 4.5) * time + rng.uniform(0, 6.3)), 0, None)
    formants = rng.uniform(350, 750), rng.uniform(1000, 2000)
    return _normalize(fftconvolve(source, _impulse_response(rate, formants, 0.008))[:length] * syllables)


def engine(rng: Generator, length: int, rate: int) -> Sound:
    """Firing strokes at the pulse rates of the growl, during the whole window and with duller resonances."""
    train = PulseTrain(0.0, length / rate, rng.uniform(25, 60))
    resonances = rng.uniform(90, 250), rng.uniform(300, 700)
    return _normalize(_fit(synthesize_pulse_trains(rng, [train], resonances, rate, decay_s=0.012), length))


def quiet(rng: Generator, length: int, rate: int) -> Sound:
    """Only the background."""
    return np.zeros(length)


SOUNDS: dict[str, Callable[[Generator, int, int], Sound]] = {
    "target_call": target_call,
    "tree_frog": tree_frog,
    "chorus_frog": chorus_frog,
    "bullfrog": bullfrog,
    "insect": insect,
    "rain": rain,
    "wind": wind,
    "voice": voice,
    "engine": engine,
    "quiet": quiet,
}


def synthesize_background(rng: Generator, length: int, rate: int, slope: float, hum_hz: float) -> Sound:
    """Synthesize the noise of a site: its power falls by `slope` dB per octave, with a faint hum.

    Returns
    -------
    float64, shape (length,), root mean square 1.
    """
    spectrum = np.fft.rfft(rng.standard_normal(length))
    octaves = np.log2(np.maximum(np.fft.rfftfreq(length, 1 / rate), 20.0) / 1000)
    noise = _normalize(np.fft.irfft(spectrum * 10 ** (-slope * octaves / 20), length))
    return _normalize(noise + 0.1 * np.sin(2 * np.pi * hum_hz * np.arange(length) / rate))


def simulate_recorder(
    sound: Sound, rate: int, low_cut_hz: float, high_cut_hz: float, gain_db: float
) -> npt.NDArray[np.int16]:
    """Pass sound through a recorder: first-order low and high cuts, gain, and 16 bits that clip.

    Returns
    -------
    int16, the shape of `sound`.
    """
    for cut_hz, kind in ((low_cut_hz, "highpass"), (min(high_cut_hz, 0.45 * rate), "lowpass")):
        sound = lfilter(*butter(1, cut_hz, kind, fs=rate), sound)
    return np.clip(np.round(sound * 10 ** (gain_db / 20) * 32768), -32768, 32767).astype(np.int16)


def synthesize_recording(design: RecordingDesign) -> npt.NDArray[np.int16]:
    """Synthesize one recording: the background of its site and its sound, as its recorder would store them.

    Returns
    -------
    int16, shape (samples,).
    """
    rate, length = design.sample_rate_hz, round(design.duration_s * design.sample_rate_hz)
    rng = np.random.default_rng(int(digest([design.file_path, design.seed]), 16))
    slope, hum, level = uniform([f"{design.site}:{name}" for name in ("slope", "hum", "level")], "site")
    low, high, gain = uniform([f"{design.recorder_id}:{name}" for name in ("low", "high", "gain")], "recorder")
    background = synthesize_background(rng, length, rate, 2 + 5 * slope, 50 + 80 * hum)
    sound = SOUNDS[design.sound](rng, length, rate)
    mixture = 0.003 * 10 ** (level * 10 / 20) * (background + sound * 10 ** (design.snr_db / 20))
    return simulate_recorder(mixture, rate, 30 + 150 * low, 4000 + 8000 * high, 20 * gain - 4)


def render_recordings(table: pd.DataFrame, audio_root: str | os.PathLike[str], workers: int) -> None:
    """Synthesize every file of a design as 16-bit WAV below `audio_root`, in parallel.

    Parameters
    ----------
    table : from :func:`hardneg.synthetic.dataset.draw_design`.
    workers : number of processes.
    """
    for folder in table.file_path.map(lambda path: Path(audio_root, path).parent).unique():
        folder.mkdir(parents=True, exist_ok=True)
    designs = [RecordingDesign(**row) for row in table[DESIGN_COLUMNS].to_dict("records")]
    write = partial(_write_recording, audio_root)
    with ProcessPoolExecutor(workers, process_context.get_context()) as pool:
        for _ in track_progress(pool.map(write, designs, chunksize=32), len(designs), "generating"):
            pass


def _write_recording(audio_root: str | os.PathLike[str], design: RecordingDesign) -> None:
    path, samples = Path(audio_root, design.file_path), synthesize_recording(design)
    soundfile.write(path, samples, design.sample_rate_hz, subtype="PCM_16", format="WAV")


def synthesize_pulse_trains(
    rng: Generator,
    trains: Sequence[PulseTrain],
    resonances: Sequence[float],
    rate: int,
    decay_s: float = 0.004,
    acceleration: float = 1.0,
) -> Sound:
    """Synthesize trains of pulses that ring at the resonances of a body.

    Parameters
    ----------
    resonances : frequencies (Hz), each weaker than the one before.
    decay_s : time in which a pulse decays to 1/e (s).
    acceleration : how much faster a train's last pulses follow each other than its first pulses.

    Returns
    -------
    float64, from the first pulse to the end of the last train.
    """
    end = max(train.start_s + train.duration_s for train in trains)
    clicks = np.zeros(round((end + 0.03) * rate))
    for train in trains:
        pulses = max(round(train.duration_s * train.pulse_rate), 2)
        times = train.start_s + train.duration_s * np.linspace(0, 1, pulses) ** (1 / acceleration)
        times += rng.normal(0, 0.0008, pulses)
        strength = np.sin(np.linspace(0.25, np.pi - 0.25, pulses)) * rng.uniform(0.8, 1.2, pulses)
        clicks[np.clip(np.round(times * rate).astype(int), 0, len(clicks) - 1)] += strength
    ringing: Sound = fftconvolve(clicks, _impulse_response(rate, resonances, decay_s))[: len(clicks)]
    return ringing


def _impulse_response(rate: int, resonances: Sequence[float], decay_s: float) -> Sound:
    """Compute how a body with these resonances rings after one pulse."""
    time = np.arange(round(6 * decay_s * rate)) / rate
    tones = sum(np.sin(2 * np.pi * frequency * time) / (rank + 1) for rank, frequency in enumerate(resonances))
    response: Sound = np.exp(-time / decay_s) * tones
    return response


def _insert_at_random(rng: Generator, call: Sound, length: int) -> Sound:
    """Put a call at a random time into silence of `length` samples."""
    call = _normalize(call[:length])
    start = rng.integers(0, length - len(call) + 1)
    return np.pad(call, (start, length - len(call) - start))


def _fit(sound: Sound, length: int) -> Sound:
    """Pad with zeros, or cut, to `length` samples."""
    return np.pad(sound, (0, max(length - len(sound), 0)))[:length]


def _normalize(sound: Sound) -> Sound:
    """Scale to a root mean square of 1."""
    return sound / max(float(np.sqrt(np.mean(sound**2))), 1e-12)
