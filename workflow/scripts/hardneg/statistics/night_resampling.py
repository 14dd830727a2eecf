"""Resample test nights and validation nights of runs together, from the stored scores of files."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from hardneg.common.hashing import digest
from hardneg.models.metrics import METRICS
from hardneg.models.thresholds import ThresholdChooser
from hardneg.statistics.scored_files import ScoredFiles
from hardneg.statistics.weighted_metrics import WeightedMetrics

FloatArray = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class NightCounts:
    """Weights of nights in the denominators of the metrics, averaged over the runs that are compared.

    Attributes
    ----------
    test, validation : true positives, false positives, false negatives and hours of each night; shape (nights, 4).
        Validation is empty if the thresholds cannot be chosen again.
    """

    test: FloatArray
    validation: FloatArray


@dataclass(frozen=True, slots=True)
class ResampledDifference:
    """Differences between paired runs, as observed and under each draw of nights.

    Attributes
    ----------
    observed : difference of each pair; shape (pairs, metrics). Metrics are
        :data:`hardneg.models.metrics.COMPARED_METRICS`.
    scores, baseline_scores : the metrics of the runs and of their baselines; shape (pairs, metrics).
    test_nights : the differences under each draw of test nights; shape (draws, pairs, metrics).
    both : the same under each draw of test nights and validation nights, with thresholds chosen again.
    counts : see :class:`NightCounts`.
    """

    observed: FloatArray
    scores: FloatArray
    baseline_scores: FloatArray
    test_nights: FloatArray
    both: FloatArray
    counts: NightCounts

    def minus(self, other: "ResampledDifference") -> "ResampledDifference":
        """Subtract other differences of the same seeds: a difference of differences, that is an interaction."""
        return ResampledDifference(
            self.observed - other.observed,
            self.scores - other.scores,
            self.baseline_scores - other.baseline_scores,
            self.test_nights - other.test_nights,
            self.both - other.both,
            min(self.counts, other.counts, key=lambda counts: len(counts.test)),
        )


class ResampledRun:
    """The metrics of one run on one split under draws of nights.

    Draws are the same for all runs on the same nights, because they depend on the name of the set of nights alone.

    Parameters
    ----------
    run : its scores.
    resamples : number of draws.
    seed : of the draws.
    """

    def __init__(self, run: ScoredFiles, resamples: int, seed: int):
        self.metrics = WeightedMetrics(run)
        self.test_weights = draw_night_weights(run.night_set, self.metrics.nights, resamples, seed)
        self.ones = np.ones((1, self.metrics.nights))
        own = np.array([run.threshold])
        self.thresholds = own
        self.validation_counts: FloatArray = np.empty((0, 4))
        if run.validation is not None:
            held_out = run.validation
            chooser = ThresholdChooser(held_out.labels, held_out.confidences, held_out.nights, held_out.hours, run.rule)
            weights = draw_night_weights(f"validation {held_out.night_set}", chooser.nights, resamples, seed)
            self.thresholds = chooser.choose(weights)
            self.validation_counts = WeightedMetrics(held_out).night_counts
        self.observed = np.column_stack(
            [self.metrics.measure_ranking(self.ones), self.metrics.count_flagged(self.ones, own).rate()]
        )[0]
        ranking = self.metrics.measure_ranking(self.test_weights)
        flagged = self.metrics.count_flagged(self.test_weights, own)
        flagged_both = self.metrics.count_flagged(self.test_weights, self.thresholds)
        self.test_nights = np.column_stack([ranking, flagged.rate()]).astype(np.float32)
        self.both = np.column_stack([ranking, flagged_both.rate()]).astype(np.float32)

    def measure_matched(self, points: "MatchedPoints") -> "MatchedMetrics":
        """Measure the run at a baseline's operating points, as observed and under each draw."""
        measure = self.metrics.measure_matched
        return MatchedMetrics(
            measure(self.ones, *points.observed[:, None])[0],
            measure(self.test_weights, *points.test_nights.T).astype(np.float32),
            measure(self.test_weights, *points.both.T).astype(np.float32),
        )


@dataclass(frozen=True, slots=True)
class MatchedPoints:
    """Recall, precision and false positives per hour of a baseline, averaged over its seeds.

    Attributes
    ----------
    observed : shape (3,).
    test_nights, both : under each draw; shape (draws, 3).
    """

    observed: FloatArray
    test_nights: FloatArray
    both: FloatArray

    @classmethod
    def from_runs(cls, baseline: Sequence[ResampledRun]) -> "MatchedPoints":
        """Average the operating points of the runs of a baseline."""
        columns = [METRICS.index(metric) for metric in ("recall", "precision", "false_positives_per_hour")]
        return cls(
            np.mean([run.observed[columns] for run in baseline], axis=0),
            np.mean([run.test_nights[:, columns] for run in baseline], axis=0),
            np.mean([run.both[:, columns] for run in baseline], axis=0),
        )


@dataclass(frozen=True, slots=True)
class MatchedMetrics:
    """A run at a baseline's operating points; the attributes are those of :class:`MatchedPoints`."""

    observed: FloatArray
    test_nights: FloatArray
    both: FloatArray


@dataclass(frozen=True, slots=True)
class ResampledBaseline:
    """The runs of a baseline at their mean operating points, which all runs that are compared with it share.

    Attributes
    ----------
    runs : one per seed.
    points : their mean operating points.
    matched : each run at these points.
    """

    runs: Sequence[ResampledRun]
    points: MatchedPoints
    matched: Sequence[MatchedMetrics]

    @classmethod
    def from_runs(cls, runs: Sequence[ResampledRun]) -> "ResampledBaseline":
        """Measure the runs of a baseline at their mean operating points."""
        points = MatchedPoints.from_runs(runs)
        return cls(runs, points, [run.measure_matched(points) for run in runs])


@lru_cache(maxsize=8)
def draw_night_weights(night_set: str, nights: int, resamples: int, seed: int) -> FloatArray:
    """Draw how often each night counts.

    A draw has one night fewer than there are, so that the variance of a mean is unbiased for few nights (J. N. K. Rao
    and C. F. J. Wu, *J. Am. Stat. Assoc.* 83, 1988).

    Parameters
    ----------
    night_set : the draws of sets with different names are independent.

    Returns
    -------
    shape (resamples, nights).
    """
    generator = np.random.default_rng([seed, int(digest([night_set, nights]), 16)])
    weights = generator.multinomial(max(nights - 1, 1), np.full(nights, 1 / nights), size=resamples)
    return weights.astype(np.float32)


def resample_difference(runs: Sequence[ResampledRun], baseline: ResampledBaseline) -> ResampledDifference:
    """Subtract a baseline's metrics from those of runs, paired by seed, as observed and under each draw."""
    matched, matched_baseline = [run.measure_matched(baseline.points) for run in runs], baseline.matched
    values = np.array([[*run.observed, *at.observed] for run, at in zip(runs, matched, strict=True)])
    base = np.array([[*run.observed, *at.observed] for run, at in zip(baseline.runs, matched_baseline, strict=True)])
    under_draws = {}
    for name in ("test_nights", "both"):
        difference = [
            np.concatenate(
                [getattr(run, name) - getattr(other, name), getattr(at, name) - getattr(other_at, name)], axis=1
            )
            for run, other, at, other_at in zip(runs, baseline.runs, matched, matched_baseline, strict=True)
        ]
        under_draws[name] = np.stack(difference, axis=1)
    everything = [*runs, *baseline.runs]
    counts = NightCounts(
        np.mean([run.metrics.night_counts for run in everything], axis=0),
        # With internal validation, seeds have different nights. The first seed stands for all.
        np.mean([run.validation_counts for run in (runs[0], baseline.runs[0])], axis=0),
    )
    return ResampledDifference(values - base, values, base, **under_draws, counts=counts)
