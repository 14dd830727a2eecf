"""Resample seeds and test recorder-nights together, from the stored scores of files."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hardneg.models.metrics import METRICS
from hardneg.statistics.paired_tests import Estimate, combine_degrees_of_freedom, estimate_from_error
from hardneg.statistics.scored_files import ScoredFiles
from hardneg.statistics.weighted_metrics import WeightedMetrics

FloatArray = npt.NDArray[np.float64]

MAX_CHUNK_CELLS = 1_000_000


@dataclass(frozen=True, slots=True)
class DifferenceEstimate:
    """A difference between paired runs, with the part of its variance that more seeds would not shrink.

    Attributes
    ----------
    estimate : the mean difference, its interval and p.
    night_variance : variance of the mean difference that comes from the test nights.
    night_df : degrees of freedom of `night_variance`; infinite where the nights were not resampled.
    """

    estimate: Estimate
    night_variance: float
    night_df: float


def two_way_bootstrap(
    runs: Sequence[ScoredFiles],
    baseline: Sequence[ScoredFiles],
    resamples: int = 10_000,
    confidence: float = 0.95,
    seed: int = 0,
) -> dict[str, DifferenceEstimate]:
    """Estimate the differences between paired runs, with intervals that cover both seeds and test nights.

    Each draw resamples whole recorder-nights, the same for all runs, and independently resamples seeds. This is the
    pigeonhole bootstrap (A. B. Owen, *Ann. Appl. Stat.* 1, 2007). A draw has one night and one seed fewer than there
    are. The variance of a mean is then unbiased even for a few seeds (J. N. K. Rao and C. F. J. Wu, *J. Am. Stat.
    Assoc.* 83, 1988).

    Owen shows that the resulting variance counts the part particular to one seed on one night three times. The two
    surplus parts are subtracted, as in two-way clustered errors (A. C. Cameron, J. B. Gelbach and D. L. Miller,
    *J. Bus. Econ. Stat.* 29, 2011). The interval is Student's, with Satterthwaite's degrees of freedom
    (F. E. Satterthwaite, *Biometrics Bull.* 2, 1946), because percentiles of three seeds are far too narrow.

    The night part has one degree of freedom less than there are effective nights, ``sum(w) ** 2 / sum(w ** 2)``
    (L. Kish, *Survey Sampling*, 1965). The weight ``w`` of a night is its share of the metric's denominator:

    - positives for recall, average precision and AUROC;
    - flagged files for precision, and both together for F1;
    - hours for false positives per hour.

    Forty nights with positives on four of them therefore count as four nights for recall. If fewer than two nights
    count, there is a difference without an interval.

    Parameters
    ----------
    runs, baseline : one per seed, in the same order; all on the same files in the same order.
    resamples : number of draws.
    confidence : coverage of the interval.
    seed : of the draws.

    Returns
    -------
    The estimate of each of :data:`hardneg.models.metrics.METRICS`.
    """
    generator = np.random.default_rng(seed)
    nights = int(runs[0].nights.max()) + 1
    pairs = len(runs)
    scorers = [(WeightedMetrics(run), WeightedMetrics(base)) for run, base in zip(runs, baseline, strict=True)]
    resampled = np.full((resamples, pairs, len(METRICS)), np.nan)
    for rows, weights in _draw_night_weights(generator, resamples, nights, len(runs[0].labels)):
        for pair, (run, base) in enumerate(scorers):
            resampled[rows, pair] = run.measure(weights) - base.measure(weights)
    seed_weights = generator.multinomial(max(pairs - 1, 1), np.full(pairs, 1 / pairs), size=resamples)
    seed_shares = seed_weights / max(pairs - 1, 1)
    unweighted = np.ones((1, nights))
    observed = np.array([run.measure(unweighted)[0] - base.measure(unweighted)[0] for run, base in scorers])
    night_df = _night_df([scorer for pair in scorers for scorer in pair])
    return {
        metric: _estimate(
            observed[:, column], _variance(resampled[:, :, column], seed_shares), night_df[metric], confidence
        )
        for column, metric in enumerate(METRICS)
    }


def estimate_night_intervals(
    run: ScoredFiles, resamples: int = 10_000, confidence: float = 0.95, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Estimate percentile intervals of one run's metrics by resampling whole recorder-nights.

    Returns
    -------
    Lower and upper end for each of :data:`hardneg.models.metrics.METRICS`; missing with fewer than two nights.
    """
    generator = np.random.default_rng(seed)
    scorer = WeightedMetrics(run)
    if scorer.nights < 2:
        return dict.fromkeys(METRICS, (math.nan, math.nan))
    chunks = _draw_night_weights(generator, resamples, scorer.nights, len(run.labels))
    resampled = np.concatenate([scorer.measure(weights) for _, weights in chunks])
    ends = np.nanquantile(resampled, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    return {metric: (float(low), float(high)) for metric, low, high in zip(METRICS, *ends, strict=True)}


def _variance(resampled: FloatArray, seed_shares: FloatArray) -> float:
    """Compute the variance of the mean difference in one metric, without the surplus of the seed-by-night part.

    Parameters
    ----------
    resampled : difference of each pair under each draw of nights; shape (resamples, pairs).
    seed_shares : share of each pair in each draw of seeds; shape (resamples, pairs).
    """
    pairs = resampled.shape[1]
    both = float(np.nanvar(np.einsum("rs,rs->r", seed_shares, resampled), ddof=1))
    nights_alone = float(np.nanvar(resampled.mean(axis=1), ddof=1))
    each_pair = float(np.nanvar(resampled, axis=0, ddof=1).mean())
    seed_by_night = max(each_pair - nights_alone, 0.0) / max(pairs - 1, 1)
    return float(both - 2 * seed_by_night)


def _night_df(scorers: Sequence[WeightedMetrics]) -> dict[str, float]:
    """Compute effective nights less one, but at least one, for each metric; 0 where fewer than two nights count."""
    true_positives, false_positives, false_negatives, hours = np.mean([scorer.counts for scorer in scorers], axis=0).T
    positives, flagged = true_positives + false_negatives, true_positives + false_positives
    weights_of = dict.fromkeys(METRICS, positives) | {
        "f1": positives + flagged, "precision": flagged, "false_positives_per_hour": hours,
    }  # fmt: skip
    return {
        metric: float(max(w.sum() ** 2 / (w**2).sum() - 1, 1)) if np.count_nonzero(w) > 1 else 0.0
        for metric, w in weights_of.items()
    }


def _estimate(differences: FloatArray, variance: float, night_df: float, confidence: float) -> DifferenceEstimate:
    pairs = len(differences)
    mean = float(np.mean(differences))
    if pairs < 2 or night_df == 0 or not math.isfinite(variance):
        return DifferenceEstimate(estimate_from_error(mean, math.nan, 0, confidence), math.nan, night_df)
    seed_variance = float(np.var(differences, ddof=1)) / pairs
    night_variance = max(variance - seed_variance, 0.0)
    df = float(combine_degrees_of_freedom(seed_variance, pairs, night_variance, night_df))
    error = math.sqrt(seed_variance + night_variance)
    return DifferenceEstimate(estimate_from_error(mean, error, df, confidence), night_variance, night_df)


def _draw_night_weights(
    generator: np.random.Generator, resamples: int, nights: int, files: int
) -> Iterator[tuple[slice, FloatArray]]:
    """Draw how often each night occurs, in chunks that keep arrays of shape (chunk, files) within bounded memory."""
    chunk = max(MAX_CHUNK_CELLS // max(files, 1), 1)
    draws = max(nights - 1, 1)
    for start in range(0, resamples, chunk):
        stop = min(start + chunk, resamples)
        weights = generator.multinomial(draws, np.full(nights, 1 / nights), size=stop - start)
        yield slice(start, stop), weights.astype(np.float64)
