"""Operating thresholds: chosen on validation files by a stated rule, and then frozen."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hardneg.models.ranking_curves import Confidences, Labels

FloatArray = npt.NDArray[np.floating[Any]]

RULES = ("f1", "precision", "recall", "false_positives_per_hour")
MAX_CHUNK_CELLS = 1_000_000


@dataclass(frozen=True, slots=True)
class ThresholdRule:
    """The rule by which a threshold is chosen: the ``evaluation.threshold`` block of the configuration.

    Attributes
    ----------
    rule : ``f1`` takes the highest F1. ``precision`` takes the most recall at a precision of at least `value`; if no
        threshold reaches it, the highest precision. ``recall`` takes the highest threshold with a recall of at least
        `value`. ``false_positives_per_hour`` takes the most recall with at most `value` false positives per hour.
    value : needed for every rule except ``f1``.
    prevalence : expected share of positives among the files in the field. Validation sets usually have more positives.
        If it is given, positives and negatives are weighted so that they have this share, in F1 and in precision.
    """

    rule: str = "f1"
    value: float | None = None
    prevalence: float | None = None


HIGHEST_F1 = ThresholdRule()


class ThresholdChooser:
    """Chooses the threshold of one run on its validation files, for many weightings of the recorder-nights at once.

    Parameters
    ----------
    labels : 1 or 0, shape (files,).
    confidences : in [0, 1], shape (files,).
    nights : number of the recorder-night of each file, from 0; shape (files,).
    hours : duration of each file (h), shape (files,).
    rule : how to choose.
    """

    def __init__(
        self, labels: Labels, confidences: Confidences, nights: npt.NDArray[np.integer], hours: FloatArray,
        rule: ThresholdRule,
    ):  # fmt: skip
        self.rule = rule
        self.nights = int(nights.max()) + 1
        self.levels = np.unique(confidences)[::-1]
        level = np.searchsorted(-self.levels, -confidences)
        shape = self.nights, len(self.levels)
        self._positives, self._negatives = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        np.add.at(self._positives, (nights[labels == 1], level[labels == 1]), 1)
        np.add.at(self._negatives, (nights[labels != 1], level[labels != 1]), 1)
        np.cumsum(self._positives, axis=1, out=self._positives)
        np.cumsum(self._negatives, axis=1, out=self._negatives)
        self._hours = np.bincount(nights, hours, minlength=self.nights)

    def choose(self, weights: FloatArray) -> FloatArray:
        """Choose a threshold for each weighting.

        Candidates lie halfway between neighboring scores, and below the lowest score. Of several best candidates, the
        highest is chosen. If floating point has no number between two neighboring scores, the candidate is the upper
        score.

        Parameters
        ----------
        weights : how often each night counts, shape (draws, nights).

        Returns
        -------
        shape (draws,).
        """
        chunk = max(MAX_CHUNK_CELLS // len(self.levels), 1)
        parts = [self._choose(weights[start : start + chunk]) for start in range(0, len(weights), chunk)]
        return np.concatenate(parts)

    def _choose(self, weights: FloatArray) -> FloatArray:
        narrow = weights.astype(np.float32)
        tp, fp = narrow @ self._positives, narrow @ self._negatives
        flagged = tp + fp
        best, nothing_fits = self._find_best(tp, fp, weights @ self._hours)
        rows = np.arange(len(weights))
        # The next lower score that any file has under this weighting.
        following = (flagged <= flagged[rows, best][:, None]).sum(axis=1)
        lower = np.append(self.levels, 0)[following].astype(self.levels.dtype)
        upper = self.levels[best]
        middle = (upper + lower) / 2
        thresholds = np.where(middle > lower, middle, upper)
        return np.where(nothing_fits, np.nextafter(self.levels[0], np.inf, dtype=self.levels.dtype), thresholds)

    def _find_best(
        self, tp: FloatArray, fp: FloatArray, hours: FloatArray
    ) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
        """Find the level to flag down to under each weighting, and whether even the highest level flags too much."""
        positives, negatives = tp[:, -1:], fp[:, -1:]
        if self.rule.prevalence is not None:
            odds = self.rule.prevalence / (1 - self.rule.prevalence)
            with np.errstate(invalid="ignore", divide="ignore"):
                fp = fp * (positives / (odds * negatives)).astype(np.float32)
        nothing_fits = np.zeros(len(tp), bool)
        with np.errstate(invalid="ignore", divide="ignore"):
            if self.rule.rule == "f1":
                return np.argmax(np.nan_to_num(2 * tp / (tp + fp + positives)), axis=1), nothing_fits
            if self.rule.value is None:
                raise ValueError(f"evaluation.threshold.rule {self.rule.rule} needs a value")
            if self.rule.rule == "recall":
                return np.argmax(tp >= np.float32(self.rule.value) * positives, axis=1), nothing_fits
            if self.rule.rule == "precision":
                precision = np.nan_to_num(tp / (tp + fp))
                fits: npt.NDArray[np.bool_] = precision >= self.rule.value
                reached = np.any(fits, axis=1, keepdims=True)
                return np.argmax(np.where(reached, np.where(fits, tp, -1), precision), axis=1), nothing_fits
            few = np.less_equal(fp, self.rule.value * hours[:, None])
            return np.argmax(np.where(few, tp, -1), axis=1), np.asarray(~np.any(few, axis=1))


def choose_threshold(
    labels: Labels, confidences: Confidences, rule: ThresholdRule | None = None, hours: FloatArray | None = None
) -> float:
    """Choose the threshold of one run on its validation files; see :class:`ThresholdChooser`.

    Parameters
    ----------
    labels : 1 or 0, shape (n,), both present.
    confidences : in [0, 1], shape (n,).
    rule : highest F1 unless given.
    hours : duration of each file (h), shape (n,); needed for the rule on false positives per hour.

    Returns
    -------
    A confidence. Files with at least this confidence are flagged.

    Examples
    --------
    >>> choose_threshold(np.array([1, 1, 0, 1, 0]), np.array([0.875, 0.75, 0.5, 0.25, 0.125]))
    0.1875
    """
    one_night = np.zeros(len(labels), np.int64)
    durations = np.zeros(len(labels)) if hours is None else hours
    chooser = ThresholdChooser(labels, confidences, one_night, durations, rule or HIGHEST_F1)
    return float(chooser.choose(np.ones((1, 1)))[0])
