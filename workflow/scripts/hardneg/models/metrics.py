"""Metrics of how well file scores separate positives from negatives."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hardneg.models.ranking_curves import Confidences, Labels, auroc, average_precision, trace_ranking_curve
from hardneg.recordings.manifest import TEST_POOL

# Runs are compared by these. Ranking metrics need no threshold; the others are measured at the frozen threshold.
RANKING_METRICS = ("average_precision", "auroc")
OPERATING_POINT_RATES = ("f1", "precision", "recall")
OPERATING_POINT_METRICS = (*OPERATING_POINT_RATES, "false_positives_per_hour")
METRICS = (*RANKING_METRICS, *OPERATING_POINT_METRICS)
# Metrics of two runs at one operating point of the baseline: its recall, its precision, its false positives per hour.
MATCHED_METRICS = (
    "precision_at_baseline_recall",
    "recall_at_baseline_precision",
    "recall_at_baseline_fp_rate",
    "fp_rate_at_baseline_recall",
)
COMPARED_METRICS = (*METRICS, *MATCHED_METRICS)
# The pool has no calls, so only its false positives are compared. In the other splits, the last of these metrics would
# repeat what precision at the baseline's recall shows.
TEST_POOL_METRICS = ("false_positives_per_hour", "fp_rate_at_baseline_recall")
TEST_SPLIT_METRICS = tuple(metric for metric in COMPARED_METRICS if metric != "fp_rate_at_baseline_recall")
# A smaller selection, for tables and figures with little room.
SUMMARY_METRICS = ("average_precision", *OPERATING_POINT_RATES)
LOWER_IS_BETTER = TEST_POOL_METRICS
PROPORTIONS = tuple(metric for metric in COMPARED_METRICS if metric not in LOWER_IS_BETTER)  # in [0, 1]

ORACLE_GRID = np.round(np.linspace(0, 1, 21), 2)


def list_compared_metrics(split: str) -> tuple[str, ...]:
    """List the metrics in which runs are compared on a split."""
    return TEST_POOL_METRICS if split == TEST_POOL else TEST_SPLIT_METRICS


@dataclass(frozen=True, slots=True)
class ReliabilityCurve:
    """Frequency of positives among files of similar confidence. One entry for each bin that contains files.

    Attributes
    ----------
    files : number of files.
    confidence : their mean confidence.
    frequency : share of positives.
    """

    files: npt.NDArray[np.int64]
    confidence: npt.NDArray[np.float64]
    frequency: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ThresholdMetrics:
    """What is flagged at one threshold.

    Attributes
    ----------
    tp, fp, fn, tn : counts of files.
    precision : missing if no file is flagged.
    recall, f1 : missing without positives. F1 is 0 if there are positives and none is flagged.
    false_positives_per_hour : per recorded hour.
    """

    tp: int
    fp: int
    fn: int
    tn: int
    precision: float
    recall: float
    f1: float
    false_positives_per_hour: float


@dataclass(frozen=True, slots=True)
class RankingMetrics:
    """What needs no threshold.

    Attributes
    ----------
    prevalence : share of positives, which is the average precision of random scores.
    average_precision, auroc : missing if a class is absent.
    """

    prevalence: float
    average_precision: float
    auroc: float


@dataclass(frozen=True, slots=True)
class OracleMetrics:
    """The best F1 *on the test set itself*; all are missing without positives.

    Attributes
    ----------
    oracle_threshold, oracle_f1 : of any threshold. This limits what any threshold could reach.
    grid_oracle_threshold, grid_oracle_f1 : of the 21 thresholds of a grid. This is for comparison with studies that
        tuned on such a grid.
    """

    oracle_threshold: float
    oracle_f1: float
    grid_oracle_threshold: float
    grid_oracle_f1: float


def measure_at_threshold(
    labels: Labels, confidences: Confidences, threshold: float, recorded_s: float
) -> ThresholdMetrics:
    """Count and rate the files that are flagged: those with a confidence of at least `threshold`.

    Parameters
    ----------
    recorded_s : total length of all files (s), for false positives per recorded hour.

    Examples
    --------
    >>> labels, confidences = np.array([1, 1, 0, 0]), np.array([0.9, 0.4, 0.8, 0.1])
    >>> measured = measure_at_threshold(labels, confidences, threshold=0.5, recorded_s=1800)
    >>> measured.recall, measured.false_positives_per_hour
    (0.5, 2.0)
    """
    flagged, positive = confidences >= threshold, labels == 1
    tp, fp = int((flagged & positive).sum()), int((flagged & ~positive).sum())
    fn, tn = int((~flagged & positive).sum()), int((~flagged & ~positive).sum())
    precision = tp / (tp + fp) if tp + fp else float("nan")
    recall = tp / (tp + fn) if tp + fn else float("nan")
    fp_rate = fp / (recorded_s / 3600) if recorded_s else float("nan")
    return ThresholdMetrics(tp, fp, fn, tn, precision, recall, float(_f1(tp, fp, fn)), fp_rate)


def measure_ranking(labels: Labels, confidences: Confidences) -> RankingMetrics:
    """Measure what needs no threshold."""
    has_both_classes = 0 < labels.sum() < len(labels)
    return RankingMetrics(
        prevalence=float(np.mean(labels)),
        average_precision=average_precision(labels, confidences) if has_both_classes else float("nan"),
        auroc=auroc(labels, confidences) if has_both_classes else float("nan"),
    )


def recall_at_precision(labels: Labels, confidences: Confidences, precision: float) -> float:
    """Find the highest recall of any threshold with at least this precision; 0 if there is no such threshold."""
    if not labels.any():
        return float("nan")
    curve = trace_ranking_curve(labels, confidences)
    recall = curve.tp / curve.tp[-1]
    return float(recall[curve.tp / (curve.tp + curve.fp) >= precision].max(initial=0.0))


def measure_reliability(labels: Labels, confidences: Confidences, bins: int) -> ReliabilityCurve:
    """Compare confidence with the frequency of positives in `bins` of equal width."""
    assigned = np.minimum((confidences * bins).astype(int), bins - 1)
    files = np.bincount(assigned, minlength=bins)
    occupied = files > 0
    return ReliabilityCurve(
        files=files[occupied],
        confidence=np.bincount(assigned, confidences, minlength=bins)[occupied] / files[occupied],
        frequency=np.bincount(assigned, labels, minlength=bins)[occupied] / files[occupied],
    )


def expected_calibration_error(labels: Labels, confidences: Confidences, bins: int) -> float:
    """Average the gap between confidence and frequency over equal-width bins, weighted by files.

    Source: M. P. Naeini et al., AAAI 2015.
    """
    curve = measure_reliability(labels, confidences, bins)
    return float(np.average(np.abs(curve.confidence - curve.frequency), weights=curve.files))


def measure_oracle(labels: Labels, confidences: Confidences) -> OracleMetrics:
    """Find the best F1 *on the test set itself*: of any threshold, and of the 21 thresholds of a grid.

    Both use the test set to choose a threshold, so neither is a result.
    """
    if not labels.any():
        return OracleMetrics(*[float("nan")] * 4)
    curve = trace_ranking_curve(labels, confidences)
    f1 = _f1(curve.tp, curve.fp, curve.tp[-1] - curve.tp)
    best = int(np.argmax(f1))
    on_grid = [measure_at_threshold(labels, confidences, threshold, 0).f1 for threshold in ORACLE_GRID]
    best_on_grid = int(np.argmax(on_grid))
    return OracleMetrics(
        oracle_threshold=float(curve.thresholds[best]),
        oracle_f1=float(f1[best]),
        grid_oracle_threshold=float(ORACLE_GRID[best_on_grid]),
        grid_oracle_f1=on_grid[best_on_grid],
    )


def _f1(tp: npt.ArrayLike, fp: npt.ArrayLike, fn: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Compute F1, the harmonic mean of precision and recall: 0 if no positive is found, missing without positives."""
    tp, fp, fn = (np.asarray(counts, np.float64) for counts in (tp, fp, fn))
    with np.errstate(invalid="ignore", divide="ignore"):
        f1 = 2 * tp / (2 * tp + fp + fn)
    return np.asarray(np.where(tp + fn > 0, f1, np.nan), np.float64)
