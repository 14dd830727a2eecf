"""Resample seeds and test recorder-nights together, from the stored scores of files."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hardneg.statistics.paired_tests import Estimate, degrees_of_freedom, t_estimate

CHUNK_CELLS = 1_000_000
METRICS = ("average_precision", "auroc", "f1", "precision", "recall", "false_positives_per_hour")


@dataclass(frozen=True)
class ScoredFiles:
    """One run's scores on one test split.

    Attributes
    ----------
    labels : 1 or 0, shape (files,).
    confidences : in [0, 1], shape (files,).
    nights : number of each file's recorder-night, 0 to nights - 1, shape (files,).
    hours : length of each file (h), shape (files,).
    threshold : frozen on validation.
    """

    labels: np.ndarray
    confidences: np.ndarray
    nights: np.ndarray
    hours: np.ndarray
    threshold: float


def two_way_bootstrap(
    runs: list[ScoredFiles],
    baseline: list[ScoredFiles],
    resamples: int = 10_000,
    confidence: float = 0.95,
    seed: int = 0,
) -> dict[str, tuple[Estimate, float, float]]:
    """Estimate the differences between paired runs, unsure of both seeds and test nights.

    Recorder-nights are resampled whole, the same for all runs, and seeds independently of them (the pigeonhole
    bootstrap: A. B. Owen, *Ann. Appl. Stat.* 1, 2007). Each is drawn one fewer than there are, which makes the variance
    of a mean unbiased however few seeds there are (J. N. K. Rao and C. F. J. Wu, *J. Am. Stat. Assoc.* 83, 1988). What
    is particular to one seed on one night is counted three times in that variance, as Owen shows; the surplus is taken
    off again, as in two-way clustered errors (A. C. Cameron, J. B. Gelbach and D. L. Miller, *J. Bus. Econ. Stat.* 29,
    2011). The interval is Student's with Satterthwaite's degrees of freedom (F. E. Satterthwaite, *Biometrics Bull.* 2,
    1946), because percentiles of three seeds are far too narrow.

    The part of the nights has one degree of freedom less than there are effective nights (L. Kish, *Survey Sampling*,
    1965): ``sum(w) ** 2 / sum(w ** 2)``, where ``w`` is how much of what the metric divides by lies on a night. That is
    positives for recall, average precision and AUROC; flagged files for precision; both together for F1; hours for
    false positives per hour. A night without a positive has no say in recall, so forty nights of which four hold the
    positives are four. Where fewer than two count there is an estimate and no more.

    Parameters
    ----------
    runs, baseline : one per seed, in the same order; all on the same files in the same order.
    resamples : number of draws.

    Returns
    -------
    For each of :data:`METRICS` the estimate, the part of its variance that more seeds would not shrink, and the degrees
    of freedom of that part.
    """
    generator = np.random.default_rng(seed)
    nights = int(runs[0].nights.max()) + 1
    pairs = len(runs)
    values = np.full((resamples, pairs, len(METRICS)), np.nan)
    scorers = [(_Scorer(own), _Scorer(base)) for own, base in zip(runs, baseline, strict=True)]
    for rows, weights in _night_weights(generator, resamples, nights, len(runs[0].labels)):
        for place, (own, base) in enumerate(scorers):
            values[rows, place] = own.measure(weights) - base.measure(weights)
    seeds = generator.multinomial(max(pairs - 1, 1), np.full(pairs, 1 / pairs), size=resamples) / max(pairs - 1, 1)
    everything = np.ones((1, nights))
    seen = np.array([own.measure(everything)[0] - base.measure(everything)[0] for own, base in scorers])
    freedom = _night_df([scorer for pair in scorers for scorer in pair])
    result = {}
    for column, metric in enumerate(METRICS):
        draws = values[:, :, column]
        both = float(np.nanvar(np.einsum("rs,rs->r", seeds, draws), ddof=1))
        nights_alone = float(np.nanvar(draws.mean(axis=1), ddof=1))
        each_pair = float(np.nanvar(draws, axis=0, ddof=1).mean())
        particular = max(each_pair - nights_alone, 0.0) / max(pairs - 1, 1)
        estimate, night_part = _estimate(seen[:, column], both - 2 * particular, freedom[metric], confidence)
        result[metric] = estimate, night_part, freedom[metric]
    return result


def night_intervals(
    run: ScoredFiles, resamples: int = 10_000, confidence: float = 0.95, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Percentile intervals of one run's metrics, from recorder-nights resampled whole.

    Returns
    -------
    Lower and upper end for each of :data:`METRICS`; missing where there are fewer than two nights.
    """
    generator = np.random.default_rng(seed)
    scorer, nights = _Scorer(run), int(run.nights.max()) + 1
    if nights < 2:
        return dict.fromkeys(METRICS, (math.nan, math.nan))
    drawn = [scorer.measure(weights) for _, weights in _night_weights(generator, resamples, nights, len(run.labels))]
    ends = np.nanquantile(np.concatenate(drawn), [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    return {metric: (float(low), float(high)) for metric, low, high in zip(METRICS, *ends, strict=True)}


def _night_df(scorers: list["_Scorer"]) -> dict[str, float]:
    """Effective nights less one, at least one; 0 where fewer than two nights count."""
    found, false, missed, hours = np.mean([scorer.counts for scorer in scorers], axis=0).T
    positives, flagged = found + missed, found + false
    of_metric = dict.fromkeys(METRICS, positives) | {
        "f1": positives + flagged, "precision": flagged, "false_positives_per_hour": hours,
    }  # fmt: skip
    return {
        metric: float(max(w.sum() ** 2 / (w**2).sum() - 1, 1)) if np.count_nonzero(w) > 1 else 0.0
        for metric, w in of_metric.items()
    }


def _estimate(differences: np.ndarray, variance: float, night_df: float, confidence: float) -> tuple[Estimate, float]:
    pairs = len(differences)
    mean = float(np.mean(differences))
    if pairs < 2 or night_df == 0 or not math.isfinite(variance):
        return t_estimate(mean, math.nan, 0, confidence), math.nan
    seed_part = float(np.var(differences, ddof=1)) / pairs
    night_part = max(variance - seed_part, 0.0)
    freedom = float(degrees_of_freedom(seed_part, pairs, night_part, night_df))
    return t_estimate(mean, math.sqrt(seed_part + night_part), freedom, confidence), night_part


def _night_weights(
    generator: np.random.Generator, resamples: int, nights: int, files: int
) -> Iterator[tuple[slice, np.ndarray]]:
    """Draw how often each night occurs, in chunks small enough that (chunk, files) arrays stay in bounded memory."""
    chunk = max(CHUNK_CELLS // max(files, 1), 1)
    draws = max(nights - 1, 1)
    for start in range(0, resamples, chunk):
        stop = min(start + chunk, resamples)
        weights = generator.multinomial(draws, np.full(nights, 1 / nights), size=stop - start)
        yield slice(start, stop), weights.astype(np.float64)


class _Scorer:
    """Measures one run under many weightings of its nights.

    A weighted count of files is a product of weights by counts per night, so all resamples of a chunk are measured by
    matrix products.
    """

    def __init__(self, run: ScoredFiles):
        self.number = int(run.nights.max()) + 1
        positive, flagged = run.labels == 1, run.confidences >= run.threshold
        kinds = (positive & flagged, ~positive & flagged, positive & ~flagged, run.hours)
        self.counts = np.stack([np.bincount(run.nights, kind, minlength=self.number) for kind in kinds], axis=1)
        self.totals = np.stack(
            [np.bincount(run.nights, kind, minlength=self.number) for kind in (positive, ~positive)], axis=1
        )
        self.pairs_in_order = self._pairs(run, positive)
        self.found, self.flagged = self._steps(run, positive)

    def measure(self, weights: np.ndarray) -> np.ndarray:
        """Map weights, shape (resamples, nights), to the metrics, shape (resamples, metrics); missing if undefined."""
        tp, fp, fn, hours = (weights @ self.counts).T
        positives, negatives = (weights @ self.totals).T
        found = weights.astype(np.float32) @ self.found
        flagged = weights.astype(np.float32) @ self.flagged
        with np.errstate(invalid="ignore", divide="ignore"):
            precision = np.where(tp + fp > 0, tp / (tp + fp), 0.0)
            rates = [2 * tp / (2 * tp + fp + fn), precision, tp / (tp + fn), fp / hours]
            auroc = np.einsum("rn,rn->r", weights @ self.pairs_in_order, weights) / (positives * negatives)
            steps = np.cumsum(found, axis=1)
            steps /= np.maximum(flagged, 1)
            average_precision = np.einsum("rs,rs->r", steps, found) / positives
        return np.column_stack([average_precision, auroc, *rates])

    def _pairs(self, run: ScoredFiles, positive: np.ndarray) -> np.ndarray:
        """For each two nights, how many pairs of a positive of one and a negative of the other stand in right order."""
        table = np.zeros((self.number, self.number))
        scores, nights = run.confidences[positive], run.nights[positive]
        for night in range(self.number):
            others = np.sort(run.confidences[~positive & (run.nights == night)])
            below, level = np.searchsorted(others, scores, "left"), np.searchsorted(others, scores, "right")
            table[:, night] = np.bincount(nights, (below + level) / 2, minlength=self.number)
        return table

    def _steps(self, run: ScoredFiles, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Per night and each confidence that a positive has, falling: positives found there, files flagged down to it.

        Files of equal confidence are one step, as in scikit-learn's average precision.
        """
        levels = np.unique(run.confidences[positive])[::-1]
        found = np.zeros((self.number, len(levels)), np.float32)
        np.add.at(found, (run.nights[positive], np.searchsorted(-levels, -run.confidences[positive])), 1)
        flagged = np.zeros((self.number, len(levels) + 1), np.float32)
        np.add.at(flagged, (run.nights, np.searchsorted(-levels, -run.confidences)), 1)
        return found, np.cumsum(flagged, axis=1)[:, :-1]
