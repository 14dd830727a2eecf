"""Judge whether a mining model can rank the pool: by the spread of its confidences, and by labeled validation files."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from hardneg.models.metrics import measure_ranking

# The confidences of an untrained network differ little. These limits separate them from those of weak detectors: in
# logits, 0.39 to 0.54 is a range of 0.6, and the confidences of a trained network span more than 5.
LEAST_LOGIT_RANGE = 2.0
LEAST_AUROC = 0.7
LEAST_FILES = 20
FEW_NIGHTS, FEW_POSITIVES = 3, 20
CLIPPED = 1e-6


@dataclass(frozen=True, slots=True)
class Separation:
    """How well a model separates validation positives from negatives, by file.

    Attributes
    ----------
    positives, negatives : numbers of files.
    positive_nights, nights : recorder-nights with a positive, and all recorder-nights.
    auroc, average_precision : of the files' confidences.
    """

    positives: int
    negatives: int
    positive_nights: int
    nights: int
    auroc: float
    average_precision: float

    @property
    def is_rough(self) -> bool:
        """Whether there are too few positives, or nights with one, for more than a rough number."""
        return self.positives < FEW_POSITIVES or self.positive_nights < FEW_NIGHTS


@dataclass(frozen=True, slots=True)
class ModelQuality:
    """What is known about a mining model.

    Attributes
    ----------
    name : of the model.
    kind : see :class:`hardneg.mining.mining_models.MiningModel`.
    lowest, highest : confidence of the pool's files.
    separation : None if it is not known.
    unknown : why it is not known; empty if it is.
    problems : sentences about what is wrong with the model; empty if nothing is.
    """

    name: str
    kind: str
    lowest: float
    highest: float
    separation: Separation | None
    unknown: str
    problems: list[str]


def judge_model(
    name: str,
    kind: str,
    confidences: npt.NDArray[np.float64],
    validation: pd.DataFrame | None,
    training_problems: Sequence[str] = (),
) -> ModelQuality:
    """Judge one mining model.

    Parameters
    ----------
    name, kind : see :class:`hardneg.mining.mining_models.MiningModel`.
    confidences : of the pool's files, shape (files,).
    validation : one row per validation file: ``label`` (1 or 0), ``confidence`` and ``group`` (its recorder-night);
        None if the model has not scored these files.
    training_problems : what went wrong in its training. They are stricter than the limit for the AUROC.
    """
    separation, unknown = None, "Finished detections are read for the pool only."
    if validation is not None:
        separation = measure_separation(validation)
        unknown = "" if separation else "The validation split needs positives and negatives."
    problems = [*training_problems] or _find_separation_problems(separation)
    problems = [*problems, *_find_pool_problems(confidences)]
    lowest, highest = (float(confidences.min()), float(confidences.max())) if len(confidences) else (math.nan, math.nan)
    return ModelQuality(name, kind, lowest, highest, separation, unknown, problems)


def measure_separation(validation: pd.DataFrame) -> Separation | None:
    """Measure how well confidences separate validation files; None without both classes.

    Parameters
    ----------
    validation : see :func:`judge_model`.
    """
    if validation.label.nunique() < 2:
        return None
    labels = validation.label.to_numpy(int)
    measured = measure_ranking(labels, validation.confidence.to_numpy(float))
    return Separation(
        positives=int(labels.sum()),
        negatives=int((labels == 0).sum()),
        positive_nights=int(validation.group[labels == 1].nunique()),
        nights=int(validation.group.nunique()),
        auroc=float(measured.auroc),
        average_precision=float(measured.average_precision),
    )


def _find_pool_problems(confidences: npt.NDArray[np.float64]) -> list[str]:
    if len(confidences) < LEAST_FILES:
        return []
    lowest, highest = float(confidences.min()), float(confidences.max())
    if lowest == highest:
        return [
            f"All {len(confidences)} files of the pool have the same confidence, {highest:.3g}. No file is harder than "
            "another."
        ]
    if _logit(highest) - _logit(lowest) >= LEAST_LOGIT_RANGE:
        return []
    return [
        f"Pool confidences span {lowest:.2f} to {highest:.2f}: tiers by confidence mean little. This is typical of a "
        "model that has hardly learned anything."
    ]


def _find_separation_problems(separation: Separation | None) -> list[str]:
    if separation is None or separation.auroc >= LEAST_AUROC:
        return []
    return [
        f"The mining model hardly separates validation positives from negatives: its AUROC is {separation.auroc:.2f}, "
        "and 0.5 is chance. The files that it ranks highest are not what fools a good detector."
    ]


def _logit(confidence: float) -> float:
    clipped = min(max(confidence, CLIPPED), 1 - CLIPPED)
    return math.log(clipped / (1 - clipped))
