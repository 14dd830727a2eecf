"""The extractors of features: one for each kind of feature.

An extractor is a callable that maps float32 windows of samples on its device, a tensor of shape (n, samples), to
features, shape (n, ...). The extractors that use a pretrained network give one embedding per window, shape (n, size).
"""

import os
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import torch

from hardneg.audio.windowing import WindowSpec
from hardneg.common.errors import InputError
from hardneg.common.log import logger
from hardneg.features import birdnet, extraction, pretrained
from hardneg.features.extraction import Extractor
from hardneg.features.feature_settings import (
    BirdNetSettings,
    ExportedSettings,
    FeatureSettings,
    LogMelSettings,
    OnnxSettings,
)
from hardneg.features.logmel import LogMel

BIRDNET_BATCH = {"cpu": 8, "cuda": 128}


class BatchedExtractor:
    """An extractor that processes a limited number of windows at a time.

    Parameters
    ----------
    extractor : maps ``(n, samples)`` to ``(n, ...)``.
    batch : the most windows to process at once.
    """

    def __init__(self, extractor: Extractor, batch: int):
        self.extractor, self.batch = extractor, batch

    def __call__(self, windows: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.extractor(part) for part in torch.split(windows, self.batch)])


def extract_features(
    recordings: pd.DataFrame,
    audio_root: str,
    array_path: str | os.PathLike[str],
    windows: WindowSpec,
    settings: FeatureSettings,
    device: str,
    processes: int = 1,
) -> pd.DataFrame:
    """Write the features of every window of every recording to one array.

    Parameters
    ----------
    recordings : checked rows: ``file_path, duration_s, sample_rate``.
    audio_root : the folder that paths are relative to.
    array_path : the ``.npy`` file to write: float16, shape (windows, *shape of one window's features).
    windows : the windows to cut.
    settings : the kind of feature and its parameters.
    device : a torch device.
    processes : see :func:`hardneg.features.extraction.write_features`.

    Returns
    -------
    The index; see :func:`hardneg.features.extraction.write_features`.
    """
    if isinstance(settings, OnnxSettings):
        device = pretrained.choose_onnx_device(device)  # on a CPU the work is spread over processes
    extractor = build(settings, windows, device)
    return extraction.write_features(recordings, audio_root, array_path, windows, extractor, device, processes)


def build(settings: FeatureSettings, windows: WindowSpec, device: str) -> Extractor:
    """Build the extractor of a kind of feature.

    Parameters
    ----------
    settings : the kind of feature and its parameters.
    windows : the windows that the extractor will receive; their hop is not used.
    device : a torch device.

    Raises
    ------
    InputError
        If the kind needs other windows, or if its file or package is missing or damaged.
    """
    if isinstance(settings, LogMelSettings):
        return LogMel(windows.rate, **asdict(settings)).to(device).eval()
    if isinstance(settings, BirdNetSettings):
        return _build_birdnet(settings, windows, device)
    if isinstance(settings, ExportedSettings):
        return pretrained.load_exported(settings, windows, device)
    return pretrained.load_onnx(settings, windows, device)


def _build_birdnet(settings: BirdNetSettings, windows: WindowSpec, device: str) -> Extractor:
    if (windows.rate, windows.length) != (birdnet.SAMPLE_RATE, birdnet.WINDOW_SAMPLES):
        raise InputError(
            "BirdNET needs windows of 3 s at 48,000 Hz: set windows.length_s to 3 and windows.sample_rate to 48000."
        )
    logger.info("BirdNET 2.4: its weights, and everything derived from them, are licensed %s", birdnet.LICENSE)
    network = birdnet.load(settings.path).to(device)
    return BatchedExtractor(network.embed, BIRDNET_BATCH[torch.device(device).type])


def find_weights_file(settings: FeatureSettings) -> Path | None:
    """Find the file of the pretrained network; None for features that use none."""
    if isinstance(settings, LogMelSettings):
        return None
    if isinstance(settings, BirdNetSettings):
        return birdnet.find_weights(settings.path)
    return Path(settings.path).expanduser()


def describe_license(settings: FeatureSettings) -> str:
    """Describe the license of the pretrained network, as far as it is known."""
    if isinstance(settings, LogMelSettings):
        return "no pretrained network is used"
    if isinstance(settings, BirdNetSettings):
        restriction = "neither the network nor anything derived from it may be used commercially"
        return f"{birdnet.LICENSE} (BirdNET 2.4): {restriction}"
    return "that of the backbone's file"
