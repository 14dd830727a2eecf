"""The metrics of a run under many weightings of its recorder-nights, by matrix products."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hardneg.statistics.scored_files import ScoredFiles

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.floating[Any]]
Float32Array = npt.NDArray[np.float32]

MAX_CHUNK_CELLS = 1_000_000


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """Weighted counts of flagged files under each weighting; all of shape (draws,).

    Attributes
    ----------
    tp, fp, fn : true positives, false positives, false negatives.
    hours : total duration of the files (h).
    """

    tp: FloatArray
    fp: FloatArray
    fn: FloatArray
    hours: FloatArray

    def rate(self) -> FloatArray:
        """Compute F1, precision, recall and false positives per hour; shape (draws, 4). Undefined values are missing.

        Precision is undefined where nothing is flagged. Recall and F1 are undefined without positives.
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            positives = self.tp + self.fn
            f1 = np.where(positives > 0, 2 * self.tp / (2 * self.tp + self.fp + self.fn), np.nan)
            precision = self.tp / (self.tp + self.fp)
            recall = self.tp / positives
            fp_rate = self.fp / self.hours
        return np.column_stack([f1, precision, recall, fp_rate])


class WeightedMetrics:
    """Measures one run on one split when each recorder-night counts as often as its weight.

    A weighted count of files is the product of the weights and the counts per night. Matrix products therefore measure
    all draws of a chunk at once.

    Attributes
    ----------
    nights : number of nights.
    night_counts : true positives, false positives, false negatives and hours of each night at the run's own threshold;
        shape (nights, 4).
    """

    def __init__(self, run: ScoredFiles):
        self.nights = int(run.nights.max()) + 1
        positive = run.labels == 1
        self._thresholds = np.unique(run.confidences)
        self._positives_below = self._count_below(run, positive)
        self._negatives_below = self._count_below(run, ~positive)
        self._hours = np.bincount(run.nights, run.hours, minlength=self.nights)
        self._ordered_pairs = self._count_ordered_pairs(run, positive)
        self._positives_at, self._flagged_down_to = self._count_at_levels(run, positive)
        self.night_counts = self._count_per_night(np.array([run.threshold]))[:, 0]

    def measure_ranking(self, weights: FloatArray) -> FloatArray:
        """Measure average precision and AUROC under each weighting.

        Parameters
        ----------
        weights : shape (draws, nights).

        Returns
        -------
        shape (draws, 2). A metric without one of the classes is missing.
        """
        positives = weights @ self._positives_below[:, -1]
        negatives = weights @ self._negatives_below[:, -1]
        average_precision = np.full(len(weights), np.nan)
        with np.errstate(invalid="ignore", divide="ignore"):
            auroc = np.einsum("rn,rn->r", weights @ self._ordered_pairs, weights) / (positives * negatives)
            for rows, at_level, precision, _ in self._follow_curve(weights):
                average_precision[rows] = np.einsum("rs,rs->r", precision, at_level) / positives[rows]
        average_precision[~((positives > 0) & (negatives > 0))] = np.nan
        return np.column_stack([average_precision, auroc])

    def count_flagged(self, weights: FloatArray, thresholds: FloatArray) -> OperatingPoint:
        """Count what is flagged under each weighting at the threshold for that weighting.

        Parameters
        ----------
        weights : shape (draws, nights), or (1, nights) for the same weights in all draws.
        thresholds : shape (draws,), or (1,) for the same threshold in all draws.
        """
        distinct, which = np.unique(thresholds, return_inverse=True)
        counts = self._count_per_night(distinct)  # (nights, distinct, 4)
        if len(distinct) == 1:
            tp, fp, fn, hours = (weights @ counts[:, 0]).T
        elif len(weights) == 1:
            tp, fp, fn, hours = np.einsum("n,ndc->dc", weights[0], counts)[which].T
        else:
            tp, fp, fn, hours = np.einsum("rn,rnc->rc", weights, counts.transpose(1, 0, 2)[which]).T
        return OperatingPoint(tp, fp, fn, hours)

    def measure_matched(
        self, weights: FloatArray, recall: FloatArray, precision: FloatArray, fp_rate: FloatArray
    ) -> FloatArray:
        """Measure the run at other operating points than its own, which are given for each weighting.

        Parameters
        ----------
        weights : shape (draws, nights).
        recall, precision, fp_rate : the points, shape (draws,); false positives per hour for the last.

        Returns
        -------
        The precision at the highest threshold with a recall of at least `recall`, the highest recall at a precision of
        at least `precision`, the highest recall with at most `fp_rate`, and the false positives per hour at the highest
        threshold with a recall of at least `recall`; shape (draws, 4). Missing where the point is.
        """
        matched = np.full((len(weights), 4), np.nan)
        if not self._positives_at.shape[1]:  # no file with a call
            return matched
        hours = weights @ self._hours
        for rows, at_level, precision_at, flagged in self._follow_curve(weights):
            tp = np.cumsum(at_level, axis=1)
            positives = tp[:, -1:]
            with np.errstate(invalid="ignore", divide="ignore"):
                enough = tp >= recall[rows, None] * positives - 1e-3
                first = np.argmax(enough, axis=1)
                matched[rows, 0] = precision_at[np.arange(len(first)), first]
                precise = precision_at >= precision[rows, None] - 1e-6
                matched[rows, 1] = np.where(precise, tp, 0).max(axis=1) / positives[:, 0]
                fp = flagged - tp
                few = fp <= (fp_rate * hours)[rows, None] + 1e-3
                matched[rows, 2] = np.where(few, tp, 0).max(axis=1) / positives[:, 0]
                matched[rows, 3] = fp[np.arange(len(first)), first] / hours[rows]
        for column, point in enumerate((recall, precision, fp_rate, recall)):
            matched[~np.isfinite(point), column] = np.nan
        return matched

    def _follow_curve(self, weights: FloatArray) -> Iterator[tuple[slice, Float32Array, Float32Array, Float32Array]]:
        """Yield chunks of the weightings: their rows, positives at each level, precision and flagged down to it."""
        chunk = max(MAX_CHUNK_CELLS // max(self._positives_at.shape[1], 1), 1)
        for start in range(0, len(weights), chunk):
            narrow = weights[start : start + chunk].astype(np.float32)
            at_level = narrow @ self._positives_at
            flagged = narrow @ self._flagged_down_to
            precision = np.cumsum(at_level, axis=1)
            precision /= np.maximum(flagged, 1)
            yield slice(start, start + len(narrow)), at_level, precision, flagged

    def _count_per_night(self, thresholds: FloatArray) -> FloatArray:
        """Count true positives, false positives, false negatives and hours; shape (nights, thresholds, 4)."""
        below = np.searchsorted(self._thresholds, thresholds, "left")
        fn, tn = self._positives_below[:, below], self._negatives_below[:, below]
        tp, fp = self._positives_below[:, -1:] - fn, self._negatives_below[:, -1:] - tn
        return np.stack([tp, fp, fn, np.broadcast_to(self._hours[:, None], fn.shape)], axis=2)

    def _count_below(self, run: ScoredFiles, members: BoolArray) -> FloatArray:
        """Count members per night with a confidence below each distinct one, and all; shape (nights, levels + 1)."""
        counts = np.zeros((self.nights, len(self._thresholds) + 1))
        np.add.at(counts, (run.nights[members], np.searchsorted(self._thresholds, run.confidences[members]) + 1), 1)
        return np.cumsum(counts, axis=1)

    def _count_ordered_pairs(self, run: ScoredFiles, positive: BoolArray) -> FloatArray:
        """Count the pairs of a positive of one night and a negative of another with the higher score on the positive.

        Equal scores count one half. The table has a row per night of the positive and a column per night of the
        negative.
        """
        table = np.zeros((self.nights, self.nights))
        scores, nights = run.confidences[positive], run.nights[positive]
        for night in range(self.nights):
            negatives = np.sort(run.confidences[~positive & (run.nights == night)])
            below = np.searchsorted(negatives, scores, "left")
            below_or_equal = np.searchsorted(negatives, scores, "right")
            table[:, night] = np.bincount(nights, (below + below_or_equal) / 2, minlength=self.nights)
        return table

    def _count_at_levels(self, run: ScoredFiles, positive: BoolArray) -> tuple[Float32Array, Float32Array]:
        """Count files per night at each level, which is a confidence of some positive, from the highest to the lowest.

        Files of equal confidence are one level, as in scikit-learn's average precision.

        Returns
        -------
        The positives at each level, and all files with at least that confidence; both of shape (nights, levels).
        """
        levels = np.unique(run.confidences[positive])[::-1]
        positives = np.zeros((self.nights, len(levels)), np.float32)
        np.add.at(positives, (run.nights[positive], np.searchsorted(-levels, -run.confidences[positive])), 1)
        flagged = np.zeros((self.nights, len(levels) + 1), np.float32)
        np.add.at(flagged, (run.nights, np.searchsorted(-levels, -run.confidences)), 1)
        return positives, np.cumsum(flagged, axis=1)[:, :-1]
