"""What a user of an exported detector needs: part of its ``model.json``."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from jsonschema import Draft202012Validator

from hardneg.audio.windowing import WindowSpec
from hardneg.common import fingerprint, tables
from hardneg.common.errors import LONGEST_REASON, InputError
from hardneg.common.unusable_numbers import find_unusable_numbers
from hardneg.experiments.run_description import RunDescription
from hardneg.features import extractors
from hardneg.features.feature_settings import FeatureSettings, find_oversized, parse_features
from hardneg.models.checkpoints import MAX_DESCRIPTION_BYTES

NUMBER, POSITIVE, TEXT = {"type": "number"}, {"type": "number", "exclusiveMinimum": 0}, {"type": "string"}
COUNT = {"type": "integer", "minimum": 1}
# What a detector needs of its description, which may come from a stranger.
SCHEMA = {
    "type": "object",
    "required": ["input", "training", "shape", "target", "label", "threshold", "backbone"],
    "properties": {
        "input": {
            "type": "object",
            "required": ["windows", "features"],
            "properties": {
                "windows": {
                    "type": "object",
                    "required": ["length_s", "hop_s", "sample_rate"],
                    "properties": {"length_s": POSITIVE, "hop_s": POSITIVE, "sample_rate": COUNT},
                    "additionalProperties": False,
                },
                "features": {
                    "type": "object",
                    "required": ["kind"],
                    "oneOf": [
                        {
                            "properties": {
                                "kind": {"const": "logmel"},
                                "n_mels": COUNT,
                                "fmin": NUMBER,
                                "fmax": POSITIVE,
                                "n_fft": COUNT | {"multipleOf": 2},
                                "hop_s": POSITIVE,
                            },
                            "required": ["n_mels", "fmin", "fmax", "n_fft", "hop_s"],
                            "additionalProperties": False,
                        },
                        {"properties": {"kind": {"const": "birdnet"}, "path": TEXT}, "additionalProperties": False},
                        {
                            "properties": {
                                "kind": {"enum": ["onnx", "exported"]},
                                "path": TEXT,
                                "output": TEXT,
                                "peak": POSITIVE,
                            },
                            "required": ["path"],
                            "additionalProperties": False,
                        },
                    ],
                },
            },
        },
        "training": {"type": "object"},
        "shape": {"type": "array", "items": COUNT, "minItems": 1, "maxItems": 3},
        "target": TEXT,
        "label": TEXT | {"pattern": r"^[^\x00-\x1f\x7f]{1,200}\Z"},
        "threshold": {"type": "number", "minimum": 0, "maximum": 1},
        "backbone": {
            "type": "object",
            "required": ["sha256", "licence"],
            "properties": {"sha256": {"type": ["string", "null"]}, "licence": TEXT},
        },
    },
}


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
            If the file does not exist, describes a run that has not been exported, or is not a description of a
            detector that can be computed. Nothing is allocated before.
        """
        if not path.is_file():
            raise InputError(f"{path} does not exist. Give the folder that `snakemake export` wrote.")
        content = tables.read_json(path, MAX_DESCRIPTION_BYTES)
        if "threshold" not in content:
            raise InputError(
                f"{path} has no threshold. Export the run with `snakemake export` and give the folder that it wrote."
            )
        problem = next(_find_problems(content), None)
        if problem:
            raise InputError(f"{path} does not describe a detector of this workflow: {problem}.")
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
    """Return the first 16 digits of the SHA-256 of a pretrained network's file; None if no network is needed.

    Raises
    ------
    InputError
        If the file does not exist, or is no regular file.
    """
    path = extractors.find_weights_file(features)
    if path and not path.is_file():
        raise InputError(f"{path}, the file of the pretrained network, does not exist or is no regular file.")
    return fingerprint.hash_file(path) if path else None


def _find_problems(content: Mapping[str, Any]) -> Iterator[str]:
    # The deepest problem explains more than the shortest path to it.
    for error in Draft202012Validator(SCHEMA).iter_errors(content):
        cause = max([error, *(error.context or [])], key=lambda error: len(error.absolute_path))
        place = ".".join(map(str, cause.absolute_path)) or "the file"
        yield f"{place}: {cause.message[:LONGEST_REASON]}"
    yield from find_unusable_numbers({key: content[key] for key in ("input", "threshold")})
    yield from find_oversized(**content["input"])
