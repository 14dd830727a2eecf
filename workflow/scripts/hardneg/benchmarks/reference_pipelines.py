"""Ways from recordings to scores, to be timed against each other; each process of this module runs one.

A line with the name of a folder on standard input is one pass over its files, answered by one line of JSON. So passes
of several processes can be taken in turns, and no import is timed.
"""

import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import librosa
import numpy as np
import pandas as pd
import soundfile
import soxr
import torch

from hardneg.common.torchaudio_on_any_torch import torchaudio
from hardneg.features import extractors
from hardneg.mining import window_scoring
from hardneg.models import networks

LENGTH_S = 3.0
RATE = 24000
WINDOWS = {"length_s": LENGTH_S, "hop_s": LENGTH_S, "sample_rate": RATE}
LOGMEL = {"n_mels": 64, "fmin": 50, "fmax": 12000, "n_fft": 1024, "hop_s": 0.016}
MEL = {"n_fft": 1024, "hop_length": round(0.016 * RATE), "n_mels": 64}
NETWORK = {"model": "cnn", "channels": [16, 32, 64, 128], "hidden_units": 0, "dropout": 0.25, "shape": (64, 188)}
BATCH = 32

Scored = tuple[np.ndarray, dict[str, float]]  # the files' scores, and the seconds of parts that a way has


def naive(paths: list[Path], network: torch.nn.Module, device: str, processes: int) -> Scored:
    """What one would write first: librosa, and one file at a time into the network."""
    scores = []
    for path in paths:
        samples, _ = librosa.load(path, sr=RATE)
        power = librosa.feature.melspectrogram(y=samples, sr=RATE, fmin=50, fmax=12000, **MEL)
        picture = torch.from_numpy(librosa.power_to_db(power, top_db=None))[None].to(device)
        with torch.inference_mode():
            scores.append(float(torch.sigmoid(network(picture))))
    return np.array(scores), {}


class _Files(torch.utils.data.Dataset):
    """Files as samples at the working rate; where `transform` is given, as its pictures."""

    def __init__(self, paths: list[Path], transform: torch.nn.Module | None):
        self.paths, self.transform = paths, transform

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, place: int) -> torch.Tensor:
        samples, rate = soundfile.read(self.paths[place], dtype="float32")
        samples = torch.from_numpy(samples if rate == RATE else soxr.resample(samples, rate, RATE))
        return samples if self.transform is None else self.transform(samples)


def dataloader(paths: list[Path], network: torch.nn.Module, device: str, processes: int) -> Scored:
    """torchaudio's transforms and torch's DataLoader: its processes decode (and, on a CPU, transform)."""
    transform = torch.nn.Sequential(
        torchaudio.transforms.MelSpectrogram(
            RATE, f_min=50, f_max=12000, norm="slaney", mel_scale="slaney", pad_mode="constant", **MEL
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
    return torch.cat(scores).numpy(), {}


def opensoundscape(paths: list[Path], network: torch.nn.Module, device: str, processes: int) -> Scored:
    """OpenSoundscape's ``CNN.predict`` with its own spectrogram of as many bins, and the same network."""
    _import_torchvision_on_any_torch()
    from opensoundscape import CNN

    class OneClass(torch.nn.Module):
        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            return network(pictures[:, 0])[:, None]

    model = CNN(
        OneClass(), classes=["x"], sample_duration=LENGTH_S, sample_rate=RATE, height=64, width=188, channels=1,
        device=torch.device(device),
    )  # fmt: skip
    table = model.predict(
        [str(path) for path in paths],
        batch_size=BATCH,
        num_workers=processes,
        activation_layer="sigmoid",
        progress_bar=False,
    )
    return table.to_numpy()[:, 0], {}


def _import_torchvision_on_any_torch() -> None:
    """Like torchaudio's, the registry's torchvision is a CUDA build: beside a CPU torch it lacks its operators.

    It still declares what shape they give, which torch refuses; nothing here uses them.
    """
    if torch.version.cuda is None and "torchvision" not in sys.modules:
        register = torch.library.register_fake
        torch.library.register_fake = lambda *_, **__: lambda function: function
        try:
            import torchvision  # noqa: F401
        finally:
            torch.library.register_fake = register


def this_workflow(paths: list[Path], network: torch.nn.Module, device: str, processes: int) -> Scored:
    """The functions behind the rules extract_features and score_shard, with the shard's array between them."""
    started = time.perf_counter()
    facts = [soundfile.info(paths[0])] * len(paths)
    table = pd.DataFrame(
        {
            "file_path": [str(path) for path in paths],
            "duration_s": [fact.frames / fact.samplerate for fact in facts],
            "sample_rate": [fact.samplerate for fact in facts],
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        array = Path(folder, "shard.npy")
        index = extractors.extract(table, "/", array, WINDOWS, {"kind": "logmel"} | LOGMEL, device, processes)
        extracted = time.perf_counter()
        scores = window_scoring.score_windows(network, index, array, device, processes).confidence.to_numpy()
    return scores, {"extraction": extracted - started, "scoring": time.perf_counter() - extracted}


PIPELINES: dict[str, Callable[..., Scored]] = {
    "naive": naive,
    "dataloader": dataloader,
    "opensoundscape": opensoundscape,
    "workflow": this_workflow,
}


def detector() -> torch.nn.Module:
    """An untrained network of the workflow's default size, its logits spread so that different input shows."""
    torch.manual_seed(1)
    network = networks.build(**NETWORK)
    network.standardize(-60 + 15 * torch.randn(64, 64, 188))
    with torch.no_grad():
        network.head[-1].weight.mul_(30)
    return network.eval()


def serve(name: str, threads: int, processes: int, device: str) -> None:
    """Answer passes until standard input ends."""
    torch.set_num_threads(threads)
    network = detector().to(device)
    for line in sys.stdin:
        paths = sorted(Path(line.strip()).iterdir())
        if device != "cpu":
            torch.cuda.reset_peak_memory_stats()
        started = time.perf_counter()
        scores, parts = PIPELINES[name](paths, network, device, processes)
        answer = {
            "seconds": time.perf_counter() - started,
            "parts": parts,
            "cpu_s": _cpu_s(),
            "gpu_bytes": torch.cuda.max_memory_allocated() if device != "cpu" else 0,
            "scores": [round(float(score), 6) for score in scores],
        }
        print(json.dumps(answer), flush=True)


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), os.environ.get("HARDNEG_BENCH_DEVICE", "cpu"))
