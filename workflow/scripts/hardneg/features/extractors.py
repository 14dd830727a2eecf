"""The kinds of feature: what turns windows of samples into what a detector is trained on.

Every kind is a callable that maps float32 windows on its device, a tensor of shape (n, samples), to features, shape
(n, ...). A pretrained network's output is one embedding per window: a shape of one number.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import torch

from hardneg.audio.windowing import WindowSpec
from hardneg.common.errors import InputError
from hardneg.common.log import logger
from hardneg.features import birdnet, extraction, pretrained
from hardneg.features.logmel import LogMel

BIRDNET_BATCH = {"cpu": 4, "cuda": 128}


Backbone = Callable[[torch.Tensor], torch.Tensor]


def extract(
    recordings: pd.DataFrame,
    audio_root: str,
    array_path: str | os.PathLike,
    windows: dict,
    features: dict,
    device: str,
    processes: int = 1,
) -> pd.DataFrame:
    """Write the features of every window of every recording to one array.

    Parameters
    ----------
    recordings : checked rows: ``file_path, duration_s, sample_rate``.
    audio_root : the folder that paths are relative to.
    array_path : where to write ``.npy``: float16, shape (windows, *shape of the kind of feature).
    windows : ``length_s``, ``hop_s`` (s) and ``sample_rate`` (Hz) to work at.
    features : the kind of feature and its parameters; see :func:`build`.
    device : a torch device.
    processes : see :func:`hardneg.features.extraction.extract`.

    Returns
    -------
    The index; see :func:`hardneg.features.extraction.extract`.
    """
    spec = WindowSpec.from_seconds(**windows)
    if features["kind"] == "onnx":  # on a CPU it is spread over processes
        device = pretrained.onnx_device(device)
    backbone = build(features, windows, device)
    return extraction.extract(recordings, audio_root, array_path, spec, backbone, device, processes)


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
    """A torch function of windows, computed some windows at a time.

    Parameters
    ----------
    function : maps ``(n, samples)`` to ``(n, *shape)``.
    batch : the most windows at once.
    """

    def __init__(self, function: Backbone, batch: int):
        self.function, self.batch = function, batch

    def __call__(self, windows: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.function(some) for some in windows.split(self.batch)])


def logmel(rate: int, samples: int, device: str, **options) -> LogMel:
    """Log-mel pictures in dB, (n_mels, frames); see :class:`~hardneg.features.logmel.LogMel`."""
    return LogMel(rate, **options).to(device).eval()


def birdnet_embeddings(rate: int, samples: int, device: str, path: str | None = None) -> InBatches:
    """BirdNET 2.4's embedding, (1024,); see :class:`~hardneg.features.birdnet.BirdNet`."""
    if (rate, samples) != (birdnet.SAMPLE_RATE, birdnet.WINDOW_SAMPLES):
        raise InputError("BirdNET hears 3 s at 48,000 Hz: set windows.length_s to 3 and windows.sample_rate to 48000.")
    logger.info("BirdNET 2.4: its weights, and what is derived from them, are licensed %s", birdnet.LICENCE)
    return InBatches(birdnet.load(path).to(device).embed, BIRDNET_BATCH[torch.device(device).type])


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
    "onnx": pretrained.onnx,
    "exported": pretrained.exported,
}
