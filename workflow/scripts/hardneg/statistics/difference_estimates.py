"""Estimate differences between paired runs, and metrics of one run, from resampled nights."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hardneg.models.metrics import COMPARED_METRICS, METRICS
from hardneg.statistics.night_resampling import (
    FloatArray,
    NightCounts,
    ResampledBaseline,
    ResampledDifference,
    ResampledRun,
    resample_difference,
)
from hardneg.statistics.paired_tests import Estimate, combine_degrees_of_freedom, estimate_from_error
from hardneg.statistics.scored_files import ScoredFiles

MIN_NIGHTS = 3
OPERATING_POINT_COLUMNS = slice(2, 6)  # F1, precision, recall, false positives per hour


@dataclass(frozen=True, slots=True)
class VariancePart:
    """One source of the variance of a mean difference.

    Attributes
    ----------
    variance : its share of the variance.
    df : its degrees of freedom; infinite if the source was not resampled.
    """

    variance: float
    df: float


@dataclass(frozen=True, slots=True)
class DifferenceEstimate:
    """A difference between paired runs, with the parts of its variance that more seeds would not shrink.

    Attributes
    ----------
    estimate : the mean difference, its interval and p.
    test_nights, validation_nights : the parts of the variance that come from them.
    reason : why there is no interval; empty if there is one.
    """

    estimate: Estimate
    test_nights: VariancePart
    validation_nights: VariancePart
    reason: str = ""


def bootstrap_difference(
    runs: Sequence[ScoredFiles],
    baseline: Sequence[ScoredFiles],
    resamples: int = 10_000,
    confidence: float = 0.95,
    seed: int = 0,
) -> dict[str, DifferenceEstimate]:
    """Resample runs and their baselines and estimate their differences; see :func:`estimate_differences`.

    Parameters
    ----------
    runs, baseline : one per seed, in the same order; all on the same files in the same order.
    resamples : number of draws.
    confidence : coverage of the interval.
    seed : of the draws.
    """
    resampled, resampled_baseline = ([ResampledRun(run, resamples, seed) for run in arm] for arm in (runs, baseline))
    difference = resample_difference(resampled, ResampledBaseline.from_runs(resampled_baseline))
    return estimate_differences(difference, confidence)


def estimate_differences(resampled: ResampledDifference, confidence: float = 0.95) -> dict[str, DifferenceEstimate]:
    """Estimate differences between paired runs, with intervals that cover seeds, test nights and validation nights.

    Each draw resamples whole recorder-nights of the test split, and those of the validation set on which the thresholds
    are chosen again. Both are the same for all runs. Seeds are the other way of a two-way layout. What is particular to
    one seed on one night is in the spread between seeds already, and is subtracted (A. B. Owen, *Ann. Appl. Stat.* 1,
    2007; A. C. Cameron, J. B. Gelbach and D. L. Miller, *J. Bus. Econ. Stat.* 29, 2011).

    The interval is Student's, with Satterthwaite's degrees of freedom (F. E. Satterthwaite, *Biometrics Bull.* 2,
    1946), because percentiles of three seeds are far too narrow. Nights have one degree of freedom less than there are
    effective nights, ``sum(w) ** 2 / sum(w ** 2)`` (L. Kish, *Survey Sampling*, 1965). The weight ``w`` of a night is
    its share of the metric's denominator:

    - positives for recall, average precision and AUROC;
    - flagged files for precision, and both together for F1;
    - hours for false positives per hour; at the baseline's recall, hours or positives, whichever is on fewer nights.

    Forty nights with positives on four of them therefore count as four nights for recall. If fewer than
    :data:`MIN_NIGHTS` nights count, there is a difference without an interval.

    Returns
    -------
    The estimate of each of :data:`hardneg.models.metrics.COMPARED_METRICS`.
    """
    return {metric: _estimate(resampled, column, metric, confidence) for column, metric in enumerate(COMPARED_METRICS)}


def _estimate(resampled: ResampledDifference, column: int, metric: str, confidence: float) -> DifferenceEstimate:
    differences = resampled.observed[:, column]
    pairs, mean = len(differences), float(np.mean(differences))
    test_df = _count_effective_nights(resampled.counts.test, metric) - 1
    uses_threshold = column >= OPERATING_POINT_COLUMNS.start
    chosen_again = uses_threshold and len(resampled.counts.validation) > 0
    validation_df = _count_effective_nights(resampled.counts.validation, "f1") - 1 if chosen_again else math.inf
    reason = _explain_no_interval(pairs, mean, resampled.counts, metric, chosen_again)
    unknown = VariancePart(math.nan, test_df), VariancePart(math.nan, validation_df)
    if reason:
        return DifferenceEstimate(estimate_from_error(mean, math.nan, 0, confidence), *unknown, reason)
    seed_variance = float(np.var(differences, ddof=1)) / pairs
    total = _night_variance(resampled.both[:, :, column])
    from_test = _night_variance(resampled.test_nights[:, :, column]) if chosen_again else total
    from_validation = max(total - from_test, 0.0)
    parts = VariancePart(from_test, test_df), VariancePart(from_validation, validation_df)
    nights = combine_parts(*parts)
    df = float(combine_degrees_of_freedom(seed_variance, pairs, nights.variance, nights.df))
    error = math.sqrt(seed_variance + nights.variance)
    estimate = estimate_from_error(mean, error, df, confidence)
    return DifferenceEstimate(estimate, *parts, "" if math.isfinite(estimate.p) else "the runs do not differ")


def combine_parts(test_nights: VariancePart, validation_nights: VariancePart) -> VariancePart:
    """Add two parts of a variance; degrees of freedom by Satterthwaite's formula."""
    variance = test_nights.variance + validation_nights.variance
    if variance == 0:
        return VariancePart(0.0, min(test_nights.df, validation_nights.df))
    spread = test_nights.variance**2 / test_nights.df + validation_nights.variance**2 / validation_nights.df
    return VariancePart(variance, variance**2 / spread if spread else math.inf)


def estimate_night_intervals(
    run: ScoredFiles, resamples: int = 10_000, confidence: float = 0.95, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Estimate percentile intervals of one run's metrics by resampling test nights, and validation nights if known.

    Returns
    -------
    Lower and upper end for each of :data:`hardneg.models.metrics.METRICS`; missing with fewer than
    :data:`MIN_NIGHTS` nights.
    """
    resampled = ResampledRun(run, resamples, seed)
    if resampled.metrics.nights < MIN_NIGHTS:
        return dict.fromkeys(METRICS, (math.nan, math.nan))
    ends = np.nanquantile(resampled.both, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    return {metric: (float(low), float(high)) for metric, low, high in zip(METRICS, *ends, strict=True)}


def estimate_with_nights(
    differences: FloatArray, under_draws: FloatArray, effective_nights: float, confidence: float = 0.95
) -> Estimate:
    """Estimate a mean difference over pairs whose nights have been resampled; see :func:`estimate_differences`.

    Parameters
    ----------
    differences : one per pair, that is per seed; shape (pairs,).
    under_draws : the same under each draw of test nights; shape (draws, pairs).
    effective_nights : number of nights that count.
    """
    pairs, mean = len(differences), float(np.mean(differences))
    if pairs < 2 or effective_nights < MIN_NIGHTS:
        return estimate_from_error(mean, math.nan, 0, confidence)
    seed_variance = float(np.var(differences, ddof=1)) / pairs
    from_nights = _night_variance(under_draws)
    df = float(combine_degrees_of_freedom(seed_variance, pairs, from_nights, effective_nights - 1))
    return estimate_from_error(mean, math.sqrt(seed_variance + from_nights), df, confidence)


def _night_variance(resampled: FloatArray) -> float:
    """Compute the variance of the mean difference over draws, without what is particular to one seed on one night.

    The spread between seeds contains that part already.

    Parameters
    ----------
    resampled : difference of each pair under each draw; shape (draws, pairs).
    """
    pairs = resampled.shape[1]
    wide = resampled.astype(np.float64)
    wide = wide[np.isfinite(wide).any(axis=1)]  # a metric can be undefined in a draw, for example without positives
    of_mean = float(np.nanvar(np.nanmean(wide, axis=1), ddof=1))
    of_each = float(np.nanmean(np.nanvar(wide, axis=0, ddof=1)))
    variance: float = max(of_mean - max(of_each - of_mean, 0.0) / max(pairs - 1, 1), 0.0)
    return variance


def _count_effective_nights(counts: FloatArray, metric: str) -> float:
    """Count the nights that a metric's denominator effectively consists of; 0 below :data:`MIN_NIGHTS` nights."""
    if not len(counts):
        return 0.0
    if metric == "fp_rate_at_baseline_recall":  # depends on nights with calls, and on nights of the pool
        return min(_count_effective_nights(counts, of) for of in ("recall", "false_positives_per_hour"))
    weights = _denominator(counts, metric)
    if np.count_nonzero(weights) < MIN_NIGHTS:
        return 0.0
    return float(max(weights.sum() ** 2 / (weights**2).sum(), 2.0))


def _denominator(counts: FloatArray, metric: str) -> FloatArray:
    tp, fp, fn, hours = counts.T
    positives, flagged = tp + fn, tp + fp
    by_metric: dict[str, FloatArray] = dict.fromkeys(COMPARED_METRICS, positives)
    by_metric |= dict.fromkeys(
        ("f1", "recall_at_baseline_precision", "recall_at_baseline_fp_rate"), positives + flagged
    )
    by_metric |= dict.fromkeys(("precision", "precision_at_baseline_recall"), flagged)
    by_metric["false_positives_per_hour"] = hours
    return by_metric[metric]


def _explain_no_interval(pairs: int, mean: float, counts: NightCounts, metric: str, chosen_again: bool) -> str:
    if not math.isfinite(mean):
        return "undefined in at least one run"
    if pairs < 2:
        return "one seed"
    if _count_effective_nights(counts.test, metric) == 0:
        return f"fewer than {MIN_NIGHTS} test nights count"
    if chosen_again and _count_effective_nights(counts.validation, "f1") == 0:
        return f"fewer than {MIN_NIGHTS} validation nights count"
    return ""
