"""Pipelines from recordings to scores, to be timed against each other. Each process of this module runs one.

Each line on standard input names a folder and starts one pass over its files. The answer is one line of JSON. This
allows passes of several processes to take turns, and keeps imports out of the times.
"""

import importlib
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import numpy.typing as npt
import pandas as pd
import soundfile
import soxr
import torch

from hardneg.audio.windowing import WindowSpec
from hardneg.common.torchaudio_on_any_torch import torchaudio
from hardneg.features import extractors
from hardneg.features.feature_settings import LogMelSettings
from hardneg.mining import window_scoring
from hardneg.models import networks

Scores = npt.NDArray[np.floating[Any]]
FileDataset = torch.utils.data.Dataset[torch.Tensor]

LENGTH_S = 3.0
RATE = 24000
WINDOWS = WindowSpec.from_seconds(LENGTH_S, LENGTH_S, RATE)
N_MELS, FMIN_HZ, FMAX_HZ, N_FFT, HOP_S = 64, 50, 12000, 1024, 0.016
LOGMEL = LogMelSettings(N_MELS, FMIN_HZ, FMAX_HZ, N_FFT, HOP_S)
HOP_SAMPLES = round(HOP_S * RATE)
SHAPE = (N_MELS, 188)  # bands and frames of one window
BATCH = 32


@dataclass(frozen=True, slots=True)
class PipelineScores:
    """What a pipeline computes in one pass.

    Attributes
    ----------
    scores : one per file.
    parts : seconds of each part that the pipeline times.
    """

    scores: Scores
    parts: dict[str, float]


@dataclass(frozen=True, slots=True)
class PassResult:
    """The measurements of one pass.

    Attributes
    ----------
    seconds : elapsed.
    parts : seconds of each part that the pipeline times.
    cpu_s : CPU time (s) of the process and its children since they started.
    gpu_bytes : peak of allocated GPU memory.
    scores : one per file.
    """

    seconds: float
    parts: dict[str, float]
    cpu_s: float
    gpu_bytes: int
    scores: list[float]


Pipeline = Callable[[Sequence[Path], torch.nn.Module, str, int], PipelineScores]


def compute_librosa_mel(samples: npt.NDArray[np.floating[Any]]) -> npt.NDArray[Any]:
    """Compute a log-mel spectrogram in decibels with librosa."""
    power = librosa.feature.melspectrogram(
        y=samples, sr=RATE, n_fft=N_FFT, hop_length=HOP_SAMPLES, n_mels=N_MELS, fmin=FMIN_HZ, fmax=FMAX_HZ
    )
    decibels: npt.NDArray[Any] = librosa.power_to_db(power, top_db=None)
    return decibels


def run_naive(paths: Sequence[Path], network: torch.nn.Module, device: str, processes: int) -> PipelineScores:
    """Run the plainest pipeline: librosa, and one file at a time through the network."""
    scores = []
    for path in paths:
        samples, _ = librosa.load(path, sr=RATE)
        spectrogram = torch.from_numpy(compute_librosa_mel(samples))[None].to(device)
        with torch.inference_mode():
            scores.append(float(torch.sigmoid(network(spectrogram))))
    return PipelineScores(np.array(scores), {})


class _Files(FileDataset):
    """Files as samples at the working rate, or as spectrograms if there is a transform."""

    def __init__(self, paths: Sequence[Path], transform: torch.nn.Module | None):
        self.paths, self.transform = paths, transform

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> torch.Tensor:
        samples, rate = soundfile.read(self.paths[index], dtype="float32")
        tensor = torch.from_numpy(samples if rate == RATE else soxr.resample(samples, rate, RATE))
        if self.transform is None:
            return tensor
        spectrogram: torch.Tensor = self.transform(tensor)
        return spectrogram


def run_dataloader(paths: Sequence[Path], network: torch.nn.Module, device: str, processes: int) -> PipelineScores:
    """Run torchaudio's transforms and torch's DataLoader, whose processes decode and, on a CPU, transform."""
    transform = torch.nn.Sequential(
        torchaudio.transforms.MelSpectrogram(
            RATE,
            n_fft=N_FFT,
            hop_length=HOP_SAMPLES,
            n_mels=N_MELS,
            f_min=FMIN_HZ,
            f_max=FMAX_HZ,
            norm="slaney",
            mel_scale="slaney",
            pad_mode="constant",
        ),
        torchaudio.transforms.AmplitudeToDB(),
    )
    on_cpu = device == "cpu"
    loader = torch.utils.data.DataLoader(
        _Files(paths, transform if on_cpu else None), BATCH, num_workers=processes, pin_memory=not on_cpu
    )
    transform, scores = transform.to(device), []
    with torch.inference_mode():
        for batch in loader:
            batch = batch.to(device, non_blocking=True)
            scores.append(torch.sigmoid(network(batch if on_cpu else transform(batch))).cpu())
    return PipelineScores(torch.cat(scores).numpy(), {})


def run_opensoundscape(paths: Sequence[Path], network: torch.nn.Module, device: str, processes: int) -> PipelineScores:
    """Run OpenSoundscape's ``CNN.predict`` with its own spectrogram of the same size, and the same network."""
    importlib.import_module("hardneg.benchmarks.torchvision_on_any_torch")  # before OpenSoundscape, which needs it
    from opensoundscape import CNN

    class OneClass(torch.nn.Module):
        def forward(self, spectrograms: torch.Tensor) -> torch.Tensor:
            logits: torch.Tensor = network(spectrograms[:, 0])
            return logits[:, None]

    model = CNN(
        OneClass(),
        classes=["x"],
        sample_duration=LENGTH_S,
        sample_rate=RATE,
        height=SHAPE[0],
        width=SHAPE[1],
        channels=1,
        device=torch.device(device),
    )
    table = model.predict(
        [str(path) for path in paths],
        batch_size=BATCH,
        num_workers=processes,
        activation_layer="sigmoid",
        progress_bar=False,
    )
    return PipelineScores(table.to_numpy()[:, 0], {})


def run_workflow(paths: Sequence[Path], network: torch.nn.Module, device: str, processes: int) -> PipelineScores:
    """Run the functions behind the rules extract_features and score_shard, with the shard's array between them."""
    started = time.perf_counter()
    infos = [soundfile.info(paths[0])] * len(paths)
    recordings = pd.DataFrame(
        {
            "file_path": [str(path) for path in paths],
            "duration_s": [info.frames / info.samplerate for info in infos],
            "sample_rate": [info.samplerate for info in infos],
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        array = Path(folder, "shard.npy")
        index = extractors.extract_features(recordings, "/", array, WINDOWS, LOGMEL, device, processes)
        extracted = time.perf_counter()
        scores = window_scoring.score_windows(network, index, array, device, processes).confidence.to_numpy()
    return PipelineScores(scores, {"extraction": extracted - started, "scoring": time.perf_counter() - extracted})


PIPELINES: dict[str, Pipeline] = {
    "naive": run_naive,
    "dataloader": run_dataloader,
    "opensoundscape": run_opensoundscape,
    "workflow": run_workflow,
}


def build_detector() -> torch.nn.Module:
    """Build an untrained network of the workflow's default size, with logits far enough apart to compare scores."""
    torch.manual_seed(1)
    network = networks.build("cnn", channels=[16, 32, 64, 128], hidden_units=0, dropout=0.25, shape=SHAPE)
    network.standardize(-60 + 15 * torch.randn(64, *SHAPE))
    assert isinstance(network, networks.Cnn)
    output = network.head[-1]
    assert isinstance(output, torch.nn.Linear)
    with torch.no_grad():
        output.weight.mul_(30)
    return network.eval()


def serve(name: str, threads: int, processes: int, device: str) -> None:
    """Answer passes until standard input ends."""
    torch.set_num_threads(threads)
    network = build_detector().to(device)
    for line in sys.stdin:
        paths = sorted(Path(line.strip()).iterdir())
        if device != "cpu":
            torch.cuda.reset_peak_memory_stats()
        started = time.perf_counter()
        computed = PIPELINES[name](paths, network, device, processes)
        result = PassResult(
            seconds=time.perf_counter() - started,
            parts=computed.parts,
            cpu_s=_measure_cpu_s(),
            gpu_bytes=torch.cuda.max_memory_allocated() if device != "cpu" else 0,
            scores=[round(float(score), 6) for score in computed.scores],
        )
        print(json.dumps(asdict(result)), flush=True)


def _measure_cpu_s() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), os.environ.get("HARDNEG_BENCH_DEVICE", "cpu"))
