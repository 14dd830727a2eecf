"""The description of a trained run, ``model.json``: how to use its network, and what produced it."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from hardneg.common import tables
from hardneg.common.errors import InputError

LEFT_OUT = "left_out"


@dataclass(frozen=True, slots=True)
class RunCounts:
    """What a run was trained on.

    Attributes
    ----------
    labelled_positives, labelled_negatives, reviewed_positives, mined_negatives : windows by origin.
    tier_files : the files of the tier.
    tier_files_used : those of which a window was drawn for a batch, up to the epoch whose weights are kept.
    labelled_hash : runs with an equal one share all labeled windows.
    training_hash : runs with an equal one share all windows.
    steps : the optimization steps of the whole schedule.
    kept_epoch : the epoch whose weights are kept.
    warning : what limits the comparison of this run with others; empty if nothing does.
    diagnosis : why the training failed, see :func:`hardneg.models.diagnosis.diagnose`; empty if it did not.
    """

    labelled_positives: int
    labelled_negatives: int
    reviewed_positives: int
    mined_negatives: int
    tier_files: int
    tier_files_used: int
    labelled_hash: str
    training_hash: str
    steps: int
    kept_epoch: int
    warning: str
    diagnosis: str


@dataclass(frozen=True, slots=True)
class RunDescription:
    """Description of a trained run.

    Attributes
    ----------
    run : the value on each axis of the matrix, and the seed.
    model_input : the windows and features that the network receives, as the configuration has them. The file calls
        this ``input``.
    training : the settings of the training; see :class:`hardneg.models.training_settings.TrainingSettings`.
    shape : shape of one window's features.
    counts : see :class:`RunCounts`.
    versions : of the software, and the device.
    """

    run: Mapping[str, Any]
    model_input: Mapping[str, Any]
    training: Mapping[str, Any]
    shape: tuple[int, ...]
    counts: RunCounts
    versions: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return the content of the file."""
        return {
            "run": dict(self.run),
            "input": dict(self.model_input),
            "training": dict(self.training),
            "shape": list(self.shape),
            "counts": asdict(self.counts),
            "versions": dict(self.versions),
        }

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """Read the file of a run of this version.

        Raises
        ------
        InputError
            If the run was left out, and so never trained.
        """
        content = tables.read_json(path)
        if content.get(LEFT_OUT):
            raise InputError(f"{path}: this run was left out because {content[LEFT_OUT]}. Choose another run.")
        return cls(
            run=content["run"],
            model_input=content["input"],
            training=content["training"],
            shape=tuple(content["shape"]),
            counts=RunCounts(**content["counts"]),
            versions=content["versions"],
        )


def read_reason_left_out(path: str | os.PathLike[str]) -> str:
    """Read why a run is left out, from its description; empty for a run that was trained.

    A run is left out if its tier has no file. It is planned before the tier is cut. Trained, it would equal the run
    without mined negatives.
    """
    reason: str = tables.read_json(path).get(LEFT_OUT, "")
    return reason


def read_versions(path: str | os.PathLike[str]) -> dict[str, str]:
    """Read the versions of the software, which a run that is left out has too."""
    versions: dict[str, str] = tables.read_json(path)["versions"]
    return versions
