"""The kinds of feature: what turns windows of samples into what a detector is trained on.

Every kind is a callable that maps float32 windows, shape (n, samples), to a NumPy array, (n, *shape), and says its
``shape``. A pretrained network's output is one embedding per window: a shape of one number.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from hardneg import birdnet, model_files
from hardneg.errors import InputError
from hardneg.log import logger
from hardneg.logmel import LogMel

BATCH = {"cpu": 4, "cuda": 128}


class Backbone(Protocol):
    """A kind of feature, ready to be computed."""

    shape: tuple[int, ...]

    def __call__(self, windows: np.ndarray) -> np.ndarray: ...


def build(features: dict, windows: dict, device: str) -> Backbone:
    """Make a kind of feature.

    Parameters
    ----------
    features : ``kind`` and the other keys of the configuration's ``features``.
    windows : ``length_s`` (s) and ``sample_rate`` (Hz) of what it will be given.
    device : a torch device.

    Raises
    ------
    InputError
        If the kind needs other windows, or its file or package is missing or damaged.
    """
    options = {key: value for key, value in features.items() if key != "kind"}
    rate, samples = windows["sample_rate"], round(windows["length_s"] * windows["sample_rate"])
    return BUILDERS[features["kind"]](rate, samples, device, **options)


class InBatches:
    """A torch function of windows, computed some windows at a time on its device.

    Parameters
    ----------
    function : maps ``(n, samples)`` on `device` to ``(n, *shape)``.
    shape : of one window's feature.
    device : a torch device.
    """

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor], shape: tuple[int, ...], device: str):
        self.function, self.shape, self.device = function, shape, device
        self.batch = BATCH[torch.device(device).type]

    def __call__(self, windows: np.ndarray) -> np.ndarray:
        computed = [np.empty((0, *self.shape), np.float32)]
        with torch.inference_mode():
            for start in range(0, len(windows), self.batch):
                batch = torch.tensor(windows[start : start + self.batch], device=self.device)
                computed.append(self.function(batch).float().cpu().numpy())
        return np.concatenate(computed)


def logmel(rate: int, samples: int, device: str, **options) -> InBatches:
    """Log-mel pictures in dB, (n_mels, frames); see :class:`~hardneg.logmel.LogMel`."""
    frames = samples // round(options["hop_s"] * rate) + 1
    front_end = LogMel(rate, **options).to(device).eval()
    return InBatches(front_end, (options["n_mels"], frames), device)


def birdnet_embeddings(rate: int, samples: int, device: str, path: str | None = None) -> InBatches:
    """BirdNET 2.4's embedding, (1024,); see :class:`~hardneg.birdnet.BirdNet`."""
    if (rate, samples) != (birdnet.SAMPLE_RATE, birdnet.WINDOW_SAMPLES):
        raise InputError("BirdNET hears 3 s at 48,000 Hz: set windows.length_s to 3 and windows.sample_rate to 48000.")
    logger.info("BirdNET 2.4: its weights, and what is derived from them, are licensed %s", birdnet.LICENCE)
    return InBatches(birdnet.load(path).to(device).embed, (birdnet.EMBEDDING,), device)


def file_of(features: dict) -> Path | None:
    """The file of the pretrained network that a kind of feature is; None for one that has none."""
    if features["kind"] == "birdnet":
        return birdnet.weights_path(features.get("path"))
    return Path(features["path"]).expanduser() if "path" in features else None


def licence_of(features: dict) -> str:
    """What is known of the licence of a kind of feature's pretrained network."""
    if features["kind"] == "birdnet":
        return f"{birdnet.LICENCE} (BirdNET 2.4): not for commercial use, and what is derived from it likewise"
    return "that of the backbone's file" if "path" in features else "no pretrained network is used"


BUILDERS = {
    "logmel": logmel,
    "birdnet": birdnet_embeddings,
    "onnx": model_files.onnx,
    "exported": model_files.exported,
}
