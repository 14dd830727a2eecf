"""Compare runs that differ in one axis, paired by seed, and decide which differences are real."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from hardneg.common.log import track_progress
from hardneg.models.metrics import LOWER_IS_BETTER
from hardneg.statistics import paired_tests
from hardneg.statistics.bootstrap import DifferenceEstimate, two_way_bootstrap
from hardneg.statistics.paired_tests import Estimate
from hardneg.statistics.run_pairs import Comparison, pair_runs
from hardneg.statistics.scored_files import ScoreLoader


@dataclass(frozen=True, slots=True)
class StatisticsSettings:
    """Settings for judging differences: the ``statistics`` block of the configuration.

    Attributes
    ----------
    alpha : accepted rate of false positives. Intervals cover ``1 - alpha``.
    p_adjustment : ``holm`` or ``bh``; see :func:`hardneg.statistics.paired_tests.adjust_p_values`.
    power : probability of finding a true effect, for the detectable effect and the number of seeds.
    resamples : draws of the bootstrap.
    effects_of_interest : the smallest difference that matters, for each metric in its unit.
    """

    alpha: float
    p_adjustment: str
    power: float
    resamples: int
    effects_of_interest: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Delta:
    """One paired difference: a value of an axis minus the baseline, in one configuration, split and metric.

    Attributes
    ----------
    comparison : the axis that varies, and its baseline.
    value : the value that is compared with the baseline.
    axes : the values of the other axes.
    split, metric : where and in which metric.
    n : pairs, that is seeds.
    mean, std : of the runs with `value`; standard deviation with ddof 1.
    baseline_mean, baseline_std : of the baseline's runs.
    estimate : mean over seeds of value minus baseline, with its interval and p.
    night_variance, night_df : see :class:`hardneg.statistics.bootstrap.DifferenceEstimate`.
    seed_sd : standard deviation of the difference from seed to seed; missing for one seed.
    p_sign_flip : exact p over seeds alone; missing for one seed.
    p_sign_flip_smallest : the smallest p that `n` seeds can give.
    p_equivalence : p of a difference of at least `effect_of_interest`.
    effect_of_interest : the smallest difference that matters in this metric.
    p_adjusted, detectable_effect, seeds_needed, verdict : known when the whole family is; see :func:`compare_runs`.
    """

    comparison: Comparison
    value: str
    axes: Mapping[str, str]
    split: str
    metric: str
    n: int
    mean: float
    std: float
    baseline_mean: float
    baseline_std: float
    estimate: Estimate
    night_variance: float
    night_df: float
    seed_sd: float
    p_sign_flip: float
    p_sign_flip_smallest: float
    p_equivalence: float
    effect_of_interest: float
    p_adjusted: float = math.nan
    detectable_effect: float = math.nan
    seeds_needed: float = math.nan
    verdict: str = ""

    def to_row(self, axes: Sequence[str]) -> dict[str, object]:
        """Return the row of ``deltas.csv``. The value on the axis that varies is missing among `axes`."""
        return {
            "vary": self.comparison.vary,
            "value": self.value,
            "baseline": self.comparison.baseline,
            **{axis: self.axes.get(axis, math.nan) for axis in axes},
            "split": self.split,
            "metric": self.metric,
            "n": self.n,
            "mean": self.mean,
            "std": self.std,
            "baseline_mean": self.baseline_mean,
            "baseline_std": self.baseline_std,
            "difference": self.estimate.difference,
            "ci_low": self.estimate.low,
            "ci_high": self.estimate.high,
            "p": self.estimate.p,
            "p_adjusted": self.p_adjusted,
            "p_sign_flip": self.p_sign_flip,
            "p_sign_flip_smallest": self.p_sign_flip_smallest,
            "p_equivalence": self.p_equivalence,
            "effect_of_interest": self.effect_of_interest,
            "detectable_effect": self.detectable_effect,
            "seeds_needed": self.seeds_needed,
            "verdict": self.verdict,
        }


def compare_runs(
    runs: pd.DataFrame,
    comparisons: Sequence[Comparison],
    axes: Sequence[str],
    settings: StatisticsSettings,
    load_scores: ScoreLoader | None = None,
) -> pd.DataFrame:
    """Compare each value of an axis with a baseline, all other axes held equal.

    Parameters
    ----------
    runs : one row per run and split, with the columns of `axes`, ``seed``, ``split`` and the metrics.
    axes : all axes except the seed.
    load_scores : returns the file scores of a run (its axes and seed) on a split. Without it, test nights are not
        resampled, and intervals cover only the spread between seeds.

    Returns
    -------
    One row per comparison, configuration, split and metric, with the columns of :meth:`Delta.to_row`. An axis that
    every comparison varies has no column.

    A family is all differences of one comparison in one metric. ``p_adjusted`` is adjusted within it.
    ``detectable_effect`` and ``seeds_needed`` are planned for `alpha` divided by the number of differences in the
    family whose p is known, which is the level of Holm's method for the smallest p.

    Raises
    ------
    InputError
        See :func:`hardneg.statistics.run_pairs.pair_runs`.
    """
    deltas = [
        delta
        for comparison in comparisons
        for delta in _measure_differences(pair_runs(runs, comparison, axes), comparison, axes, settings, load_scores)
    ]
    families: dict[tuple[Comparison, str], list[int]] = {}
    for index, delta in enumerate(deltas):
        families.setdefault((delta.comparison, delta.metric), []).append(index)
    for family in families.values():
        for index, judged in zip(family, _judge_family([deltas[index] for index in family], settings), strict=True):
            deltas[index] = judged
    shown_axes = [axis for axis in axes if any(axis in delta.axes for delta in deltas)]
    return pd.DataFrame([delta.to_row(shown_axes) for delta in deltas])


def _measure_differences(
    pairs: pd.DataFrame,
    comparison: Comparison,
    axes: Sequence[str],
    settings: StatisticsSettings,
    load_scores: ScoreLoader | None,
) -> Iterator[Delta]:
    """Measure each difference of one comparison by itself."""
    other_axes = [axis for axis in axes if axis != comparison.vary]
    groups = pairs.groupby([*other_axes, "value", "split"], sort=False)
    for key, group in track_progress(groups, groups.ngroups, f"comparing with {comparison.baseline}"):
        values = dict(zip(other_axes, key[: len(other_axes)], strict=True))
        if load_scores is None:
            estimates = _estimate_from_seeds(group, settings)
        else:
            estimates = _estimate_from_scores(group, values, comparison, settings, load_scores)
        for metric, part in group.groupby("metric", sort=False):
            yield _describe(part, estimates[metric], comparison, values, settings)


def _estimate_from_seeds(group: pd.DataFrame, settings: StatisticsSettings) -> dict[str, DifferenceEstimate]:
    """Estimate the difference in each metric by a t test over seeds, with test nights taken as fixed."""
    changes = {metric: part.change.to_numpy() for metric, part in group.groupby("metric")}
    return {
        metric: DifferenceEstimate(paired_tests.estimate_paired_mean(change, 1 - settings.alpha), 0.0, math.inf)
        for metric, change in changes.items()
    }


def _estimate_from_scores(
    group: pd.DataFrame,
    axes: Mapping[str, str],
    comparison: Comparison,
    settings: StatisticsSettings,
    load_scores: ScoreLoader,
) -> dict[str, DifferenceEstimate]:
    """Estimate the difference in each metric by resampling seeds and test nights."""
    value, split = group["value"].iloc[0], group["split"].iloc[0]
    configurations = [{**axes, "seed": seed} for seed in group.seed.unique()]
    runs = [load_scores({**configuration, comparison.vary: value}, split) for configuration in configurations]
    baseline = [
        load_scores({**configuration, comparison.vary: comparison.baseline}, split) for configuration in configurations
    ]
    return two_way_bootstrap(runs, baseline, settings.resamples, 1 - settings.alpha)


def _describe(
    pairs: pd.DataFrame,
    measured: DifferenceEstimate,
    comparison: Comparison,
    axes: Mapping[str, str],
    settings: StatisticsSettings,
) -> Delta:
    """Describe one difference by everything that is known without its family."""
    changes = pairs.change.to_numpy()
    n = len(changes)
    metric = pairs.metric.iloc[0]
    bound = settings.effects_of_interest[metric]
    return Delta(
        comparison=comparison,
        value=pairs["value"].iloc[0],
        axes=axes,
        split=pairs["split"].iloc[0],
        metric=metric,
        n=n,
        mean=pairs.score.mean(),
        std=pairs.score.std(),
        baseline_mean=pairs.score_baseline.mean(),
        baseline_std=pairs.score_baseline.std(),
        # The bootstrap's own difference has single precision in places.
        estimate=replace(measured.estimate, difference=changes.mean()),
        night_variance=measured.night_variance,
        night_df=measured.night_df,
        seed_sd=float(np.std(changes, ddof=1)) if n > 1 else math.nan,
        p_sign_flip=paired_tests.compute_sign_flip_p(changes) if n > 1 else math.nan,
        p_sign_flip_smallest=paired_tests.compute_smallest_sign_flip_p(n),
        p_equivalence=paired_tests.compute_equivalence_p(measured.estimate, bound),
        effect_of_interest=bound,
    )


def _judge_family(family: Sequence[Delta], settings: StatisticsSettings) -> Iterator[Delta]:
    """Adjust the p values of one family, plan the seeds for its level, and decide the verdicts."""
    adjusted = paired_tests.adjust_p_values([delta.estimate.p for delta in family], settings.p_adjustment)
    tests = sum(math.isfinite(delta.estimate.p) for delta in family)
    level = settings.alpha / max(tests, 1)
    for delta, p_adjusted in zip(family, adjusted, strict=True):
        yield replace(
            delta,
            p_adjusted=float(p_adjusted),
            detectable_effect=paired_tests.compute_detectable_effect(
                delta.seed_sd, delta.night_variance, delta.n, level, settings.power, delta.night_df
            ),
            seeds_needed=paired_tests.count_seeds_needed(
                delta.effect_of_interest, delta.seed_sd, delta.night_variance, level, settings.power, delta.night_df
            ),
            verdict=paired_tests.decide_verdict(
                delta.estimate,
                p_adjusted,
                delta.effect_of_interest,
                settings.alpha,
                higher_is_better=delta.metric not in LOWER_IS_BETTER,
            ),
        )
