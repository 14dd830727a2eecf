"""The metrics of a run under many weightings of its recorder-nights, by matrix products."""

import numpy as np
import numpy.typing as npt

from hardneg.statistics.scored_files import ScoredFiles

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]


class WeightedMetrics:
    """Measures one run when each recorder-night counts as often as its weight.

    A weighted count of files is the product of the weights and the counts per night. Matrix products therefore measure
    all resamples of a chunk at once.

    Attributes
    ----------
    nights : number of nights.
    counts : true positives, false positives, false negatives and hours per night; shape (nights, 4).
    """

    def __init__(self, run: ScoredFiles):
        self.nights = int(run.nights.max()) + 1
        positive, flagged = run.labels == 1, run.confidences >= run.threshold
        counted = (positive & flagged, ~positive & flagged, positive & ~flagged, run.hours)
        self.counts = self._sum_per_night(run, counted)
        self._class_sizes = self._sum_per_night(run, (positive, ~positive))
        self._ordered_pairs = self._count_ordered_pairs(run, positive)
        self._positives_at, self._flagged_down_to = self._count_at_levels(run, positive)

    def measure(self, weights: FloatArray) -> FloatArray:
        """Measure the run under each weighting.

        Parameters
        ----------
        weights : shape (resamples, nights).

        Returns
        -------
        The columns are those of :data:`hardneg.models.metrics.METRICS`; shape (resamples, metrics). A metric that is
        undefined is missing.
        """
        tp, fp, fn, hours = (weights @ self.counts).T
        positives, negatives = (weights @ self._class_sizes).T
        positives_at = weights.astype(np.float32) @ self._positives_at
        flagged_down_to = weights.astype(np.float32) @ self._flagged_down_to
        with np.errstate(invalid="ignore", divide="ignore"):
            precision = np.where(tp + fp > 0, tp / (tp + fp), 0.0)
            operating_point = [2 * tp / (2 * tp + fp + fn), precision, tp / (tp + fn), fp / hours]
            auroc = np.einsum("rn,rn->r", weights @ self._ordered_pairs, weights) / (positives * negatives)
            precision_at = np.cumsum(positives_at, axis=1)
            precision_at /= np.maximum(flagged_down_to, 1)
            average_precision = np.einsum("rs,rs->r", precision_at, positives_at) / positives
        return np.column_stack([average_precision, auroc, *operating_point])

    def _sum_per_night(self, run: ScoredFiles, per_file: tuple[npt.NDArray[np.generic], ...]) -> FloatArray:
        return np.stack([np.bincount(run.nights, values, minlength=self.nights) for values in per_file], axis=1)

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
