"""Time each step of a pipeline by itself: the plainest implementation against the workflow's, on one thread."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import librosa
import numpy as np
import soundfile
import torch

from hardneg.audio import decoding, resampling
from hardneg.benchmarks.reference_pipelines import (
    BATCH,
    FMAX_HZ,
    FMIN_HZ,
    HOP_S,
    N_FFT,
    N_MELS,
    RATE,
    build_detector,
    compute_librosa_mel,
)
from hardneg.features.logmel import LogMel
from hardneg.models import inference

SOURCE_RATE = 48000


@dataclass(frozen=True, slots=True)
class StepTime:
    """Time of one step per file, as medians of passes that took turns.

    Attributes
    ----------
    step : name.
    naive_ms : of the plainest implementation; 0 where it lacks the step.
    workflow_ms : of the workflow's.
    """

    step: str
    naive_ms: float
    workflow_ms: float


@dataclass(frozen=True, slots=True)
class Step:
    """A step, as functions that run it on all files.

    Attributes
    ----------
    name : of the step.
    naive : the plainest implementation; None where it lacks the step.
    workflow : the workflow's implementation.
    """

    name: str
    naive: Callable[[], object] | None
    workflow: Callable[[], object]


def time_steps(folder: Path, repeats: int) -> list[StepTime]:
    """Time the steps on the 48 kHz WAV files of a folder; some 64 are enough.

    Parameters
    ----------
    folder : from :func:`hardneg.benchmarks.pipeline_timing.make_recordings`.
    repeats : passes that count. One more pass warms up.
    """
    torch.set_num_threads(1)
    paths = sorted((folder / f"wav-{SOURCE_RATE}").iterdir())
    times = []
    with torch.inference_mode():
        for step in make_steps(paths, folder / "written.npy"):
            naive_s, workflow_s = [], []
            for _ in range(repeats + 1):
                naive_s.append(_time(step.naive) if step.naive else 0.0)
                workflow_s.append(_time(step.workflow))
            naive_ms, workflow_ms = (
                1e3 * statistics.median(passes[1:]) / len(paths) for passes in (naive_s, workflow_s)
            )
            times.append(StepTime(step.name, naive_ms, workflow_ms))
    return times


def make_steps(paths: Sequence[Path], written: Path) -> list[Step]:
    """Make the steps, with the input of each computed beforehand.

    Parameters
    ----------
    written : the file that the last step writes.
    """
    stored = [decoding.read_samples(path)[0] for path in paths]
    decoded = [decoding.to_float_mono(samples) for samples in stored]
    resampled = [resampling.mix_down_and_resample(samples, SOURCE_RATE, RATE) for samples in stored]
    batch = torch.from_numpy(np.stack(resampled))
    front_end = LogMel(RATE, N_MELS, FMIN_HZ, FMAX_HZ, N_FFT, HOP_S).eval()
    network = build_detector()
    folded = inference.fold_batch_norm(network)
    spectrograms = front_end(batch).contiguous()
    features = spectrograms.half().numpy()

    def run_in_batches(function: Callable[[torch.Tensor], object], inputs: torch.Tensor) -> None:
        for start in range(0, len(inputs), BATCH):
            function(inputs[start : start + BATCH])

    return [
        Step(
            "decode",
            lambda: [soundfile.read(path, dtype="float32") for path in paths],
            lambda: [decoding.read_samples(path) for path in paths],
        ),
        Step(
            "resample 48 to 24 kHz",
            lambda: [librosa.resample(samples, orig_sr=SOURCE_RATE, target_sr=RATE) for samples in decoded],
            lambda: [resampling.mix_down_and_resample(samples, SOURCE_RATE, RATE) for samples in stored],
        ),
        Step(
            "log-mel",
            lambda: [compute_librosa_mel(samples) for samples in resampled],
            lambda: run_in_batches(lambda samples: front_end(samples).half().contiguous(), batch),
        ),
        Step(
            "network",
            lambda: [network(spectrogram[None]) for spectrogram in spectrograms],
            lambda: run_in_batches(folded, spectrograms),
        ),
        Step("write features", None, lambda: np.save(written, features)),
    ]


def _time(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start
