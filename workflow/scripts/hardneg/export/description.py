"""What a user of an exported detector needs: part of its ``model.json``."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from hardneg.audio.windowing import WindowSpec
from hardneg.common import fingerprint, tables
from hardneg.common.errors import InputError
from hardneg.experiments.run_description import RunDescription
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
    """How to use an exported detector.

    Attributes
    ----------
    model_input : the windows and features that the detector receives, as the configuration has them.
    shape : shape of one window's features.
    target : name of the species.
    label : ``Scientific name_Common name``, for tables of detections.
    threshold : the confidence, frozen on validation data, from which a file is flagged.
    backbone : see :class:`Backbone`.
    """

    model_input: Mapping[str, Any]
    shape: tuple[int, ...]
    target: str
    label: str
    threshold: float
    backbone: Backbone

    @property
    def features(self) -> FeatureSettings:
        """The settings of the features."""
        return parse_features(self.model_input["features"])

    @property
    def windows(self) -> WindowSpec:
        """The windows that the detector receives."""
        return WindowSpec.from_seconds(**self.model_input["windows"])

    def to_json(self, run: RunDescription) -> dict[str, Any]:
        """Return the content of ``model.json``, which also describes the run that was exported."""
        return run.to_json() | {
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
        return cls(
            model_input=content["input"],
            shape=tuple(content["shape"]),
            target=content["target"],
            label=content["label"],
            threshold=content["threshold"],
            backbone=Backbone(content["backbone"]["sha256"], content["backbone"]["licence"]),
        )


def describe_backbone(features: FeatureSettings) -> Backbone:
    """Describe the pretrained network behind the features."""
    return Backbone(hash_backbone(features), extractors.describe_license(features))


def hash_backbone(features: FeatureSettings) -> str | None:
    """Return the first 16 digits of the SHA-256 of a pretrained network's file; None if no network is needed."""
    path = extractors.find_weights_file(features)
    return fingerprint.hash_file(path) if path else None
