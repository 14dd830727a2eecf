"""The description of an exported detector, ``model.json``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from hardneg.audio.windowing import WindowSpec
from hardneg.common import fingerprint, tables
from hardneg.common.errors import InputError
from hardneg.features import extractors
from hardneg.features.feature_settings import FeatureSettings, parse_features


@dataclass(frozen=True, slots=True)
class Backbone:
    """The pretrained network that computes the features.

    Attributes
    ----------
    sha256 : first 16 digits of its file's SHA-256; None for features that need no pretrained network.
    license : what is known of its license.
    """

    sha256: str | None
    license: str


@dataclass(frozen=True, slots=True)
class DetectorDescription:
    """Description of an exported detector: how to use it, and what produced it.

    Attributes
    ----------
    run : the description that the training wrote: ``input`` (windows and features), ``shape`` (of one window's
        features), ``run, training, counts, versions``.
    target : name of the species.
    label : ``Scientific name_Common name``, for tables of detections.
    threshold : the confidence, frozen on validation data, from which a file is flagged.
    backbone : see :class:`Backbone`.
    """

    run: dict[str, Any]
    target: str
    label: str
    threshold: float
    backbone: Backbone

    @property
    def features(self) -> FeatureSettings:
        """The settings of the features."""
        return parse_features(self.run["input"]["features"])

    @property
    def windows(self) -> WindowSpec:
        """The windows that the detector receives."""
        return WindowSpec.from_seconds(**self.run["input"]["windows"])

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one window's features."""
        return tuple(self.run["shape"])

    def to_json(self) -> dict[str, Any]:
        """Return the content of ``model.json``."""
        return self.run | {
            "target": self.target,
            "label": self.label,
            "threshold": self.threshold,
            "backbone": {"sha256": self.backbone.sha256, "licence": self.backbone.license},
        }

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read ``model.json``.

        Raises
        ------
        InputError
            If the file does not exist, or describes a run that has not been exported.
        """
        if not path.is_file():
            raise InputError(f"{path} does not exist. Give the folder that `snakemake export` wrote.")
        content = tables.read_json(path)
        if "threshold" not in content:
            raise InputError(
                f"{path} has no threshold. Export the run with `snakemake export` and give the folder that it wrote."
            )
        target, label, threshold = (content.pop(key) for key in ("target", "label", "threshold"))
        backbone = content.pop("backbone")
        return cls(content, target, label, threshold, Backbone(backbone["sha256"], backbone["licence"]))


def describe_backbone(features: FeatureSettings) -> Backbone:
    """Describe the pretrained network behind the features."""
    return Backbone(hash_backbone(features), extractors.describe_license(features))


def hash_backbone(features: FeatureSettings) -> str | None:
    """Return the first 16 digits of the SHA-256 of a pretrained network's file; None if no network is needed."""
    path = extractors.find_weights_file(features)
    return fingerprint.hash_file(path) if path else None
