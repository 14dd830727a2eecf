"""Compare runs that differ in one axis, paired by seed, and decide which differences are real."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from hardneg.common.log import track_progress
from hardneg.models.metrics import COMPARED_METRICS, LOWER_IS_BETTER, MATCHED_METRICS, list_compared_metrics
from hardneg.statistics import paired_tests, seed_planning, sequential, verdicts
from hardneg.statistics.difference_estimates import (
    DifferenceEstimate,
    VariancePart,
    combine_parts,
    estimate_differences,
)
from hardneg.statistics.night_resampling import (
    ResampledBaseline,
    ResampledDifference,
    ResampledRun,
    resample_difference,
)
from hardneg.statistics.run_pairs import Comparison, pair_runs
from hardneg.statistics.scored_files import ScoreLoader
from hardneg.statistics.seed_planning import SeedPlan

NO_SEED_PLAN = SeedPlan(math.nan, math.nan, math.nan, math.nan, math.nan, math.nan, "")


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
    cluster : the files that are resampled together; see :func:`hardneg.recordings.nights.name_clusters`.
    looks : the numbers of seeds at which verdicts are looked at, if seeds are added until they are decided; see
        :func:`hardneg.statistics.sequential.find_level`.
    """

    alpha: float
    p_adjustment: str
    power: float
    resamples: int
    effects_of_interest: Mapping[str, float]
    cluster: str = "night"
    looks: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Delta:
    """One paired difference: an arm minus its baseline, in one split and metric.

    Attributes
    ----------
    comparison : the axis that varies, and its baseline.
    value : the value that is compared with the baseline.
    axes : the values of the other axes.
    split, metric : where and in which metric.
    n : pairs, that is seeds.
    mean, std : of the runs with `value`; standard deviation with ddof 1.
    baseline_mean, baseline_std : of the baseline's runs.
    measured : mean over seeds of value minus baseline, with its interval, its p and the parts of its variance.
    seed_sd : standard deviation of the difference from seed to seed; missing for one seed.
    p_sign_flip : exact p over seeds alone; missing for one seed.
    p_sign_flip_smallest : the smallest p that `n` seeds can give.
    p_equivalence : p of a difference of at least `effect_of_interest`.
    effect_of_interest : the smallest difference that matters in this metric.
    level : what p is compared with at this look; alpha if the study is looked at once.
    p_adjusted, p_equivalence_adjusted, plan, verdict : known when the whole family is; see :func:`compare_runs`.
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
    measured: DifferenceEstimate
    seed_sd: float
    p_sign_flip: float
    p_sign_flip_smallest: float
    p_equivalence: float
    effect_of_interest: float
    level: float = math.nan
    p_adjusted: float = math.nan
    p_equivalence_adjusted: float = math.nan
    plan: SeedPlan = NO_SEED_PLAN
    verdict: str = ""

    def to_row(self, axes: Sequence[str]) -> dict[str, object]:
        """Return the row of ``deltas.csv``. The value on the axis that varies is missing among `axes`."""
        estimate = self.measured.estimate
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
            "difference": estimate.difference,
            "ci_low": estimate.low,
            "ci_high": estimate.high,
            "standard_error": estimate.standard_error,
            "degrees_of_freedom": estimate.degrees_of_freedom,
            "p": estimate.p,
            "level": self.level,
            "p_adjusted": self.p_adjusted,
            "p_sign_flip": self.p_sign_flip,
            "p_sign_flip_smallest": self.p_sign_flip_smallest,
            "p_equivalence": self.p_equivalence,
            "p_equivalence_adjusted": self.p_equivalence_adjusted,
            "effect_of_interest": self.effect_of_interest,
            "detectable_effect": self.plan.detectable_effect,
            "detectable_effect_low": self.plan.detectable_effect_low,
            "detectable_effect_high": self.plan.detectable_effect_high,
            "seeds_needed": self.plan.seeds_needed,
            "seeds_needed_low": self.plan.seeds_needed_low,
            "seeds_needed_high": self.plan.seeds_needed_high,
            "limited_by": self.limited_by,
            "verdict": self.verdict,
            "reason": self.measured.reason,
        }

    @property
    def limited_by(self) -> str:
        """What keeps an undecided difference undecided: ``seeds``, ``test nights`` or ``validation nights``."""
        if self.verdict != "undecided" or self.plan.limited_by != "nights":
            return self.plan.limited_by if self.verdict == "undecided" else ""
        test, validation = self.measured.test_nights.variance, self.measured.validation_nights.variance
        return "validation nights" if validation > test else "test nights"


@dataclass(frozen=True, slots=True)
class ComparedRuns:
    """The result of a comparison.

    Attributes
    ----------
    deltas : one row per comparison, arm, split and metric, with the columns of :meth:`Delta.to_row`. An axis
        that every comparison varies has no column.
    pairs : the pairs of runs behind them: the columns of :func:`hardneg.statistics.run_pairs.pair_runs`.
    """

    deltas: pd.DataFrame
    pairs: pd.DataFrame


class RunResampler:
    """Resamples runs and baselines when they are needed, and each only once.

    Parameters
    ----------
    load_scores : returns the file scores of a run (its axes and seed) on a split.
    resamples : number of draws.
    """

    def __init__(self, load_scores: ScoreLoader, resamples: int):
        self.load_scores, self.resamples = load_scores, resamples
        self._resampled: dict[tuple[object, ...], ResampledRun] = {}
        self._baselines: dict[tuple[int, ...], ResampledBaseline] = {}

    def resample(self, run: Mapping[str, str], split: str) -> ResampledRun:
        """Resample one run on one split."""
        key = (split, *sorted((axis, str(value)) for axis, value in run.items()))
        if key not in self._resampled:
            self._resampled[key] = ResampledRun(self.load_scores(run, split), self.resamples, seed=0)
        return self._resampled[key]

    def resample_difference(
        self, comparison: Comparison, value: str, axes: Mapping[str, str], seeds: Sequence[object], split: str
    ) -> ResampledDifference:
        """Resample the difference of an arm from its baseline on one split; `axes` are the values of the other axes."""
        runs, baseline = (
            [self.resample({**axes, "seed": str(seed), comparison.vary: value_of_arm}, split) for seed in seeds]
            for value_of_arm in (value, comparison.baseline)
        )
        key = tuple(map(id, baseline))  # of runs that this object keeps
        if key not in self._baselines:
            self._baselines[key] = ResampledBaseline.from_runs(baseline)
        return resample_difference(runs, self._baselines[key])


def compare_runs(
    runs: pd.DataFrame,
    comparisons: Sequence[Comparison],
    axes: Sequence[str],
    settings: StatisticsSettings,
    load_scores: ScoreLoader | None = None,
) -> ComparedRuns:
    """Compare each value of an axis with a baseline, all other axes held equal.

    Parameters
    ----------
    runs : one row per run and split, with the columns of `axes`, ``seed``, ``split`` and the metrics.
    axes : all axes except the seed.
    load_scores : returns the file scores of a run (its axes and seed) on a split. Without it, nights are not resampled,
        intervals cover only the spread between seeds, and there are no matched operating points.

    Returns
    -------
    Differences and pairs. A family is all differences of one comparison in one metric. ``p_adjusted`` and
    ``p_equivalence_adjusted`` are adjusted within it. Seeds are planned for `alpha` divided by the number of
    differences in the family whose p is known, which is the level of Holm's method for the smallest p.

    Raises
    ------
    InputError
        See :func:`hardneg.statistics.run_pairs.pair_runs`.
    """
    resampler = RunResampler(load_scores, settings.resamples) if load_scores else None
    measured = [
        result
        for comparison in comparisons
        for result in _measure_differences(pair_runs(runs, comparison, axes), comparison, axes, settings, resampler)
    ]
    deltas = [delta for part, _ in measured for delta in part]
    families: dict[tuple[Comparison, str], list[int]] = {}
    for index, delta in enumerate(deltas):
        families.setdefault((delta.comparison, delta.metric), []).append(index)
    for family in families.values():
        for index, judged in zip(family, _judge_family([deltas[index] for index in family], settings), strict=True):
            deltas[index] = judged
    shown_axes = [axis for axis in axes if any(axis in delta.axes for delta in deltas)]
    return ComparedRuns(
        pd.DataFrame([delta.to_row(shown_axes) for delta in deltas]),
        pd.concat([pairs for _, pairs in measured], ignore_index=True),
    )


def _measure_differences(
    pairs: pd.DataFrame,
    comparison: Comparison,
    axes: Sequence[str],
    settings: StatisticsSettings,
    resampler: RunResampler | None,
) -> Iterator[tuple[list[Delta], pd.DataFrame]]:
    """Measure each difference of one comparison by itself, and yield it with its pairs of runs."""
    other_axes = [axis for axis in axes if axis != comparison.vary]
    groups = pairs.groupby([*other_axes, "value", "split"], sort=False)
    for key, group in track_progress(groups, groups.ngroups, f"comparing with {comparison.baseline}"):
        values = dict(zip(other_axes, key[: len(other_axes)], strict=True))
        if resampler is None:
            estimates = _estimate_from_seeds(group, settings)
        else:
            value, split = group["value"].iloc[0], group["split"].iloc[0]
            seeds = list(group.seed.unique())
            resampled = resampler.resample_difference(comparison, value, values, seeds, split)
            group = pd.concat([group, _pair_matched_metrics(group, resampled, seeds)], ignore_index=True)
            estimates = estimate_differences(resampled, 1 - settings.alpha)
        deltas = [
            _describe(part, estimates[metric], comparison, values, settings)
            for metric, part in group.groupby("metric", sort=False)
        ]
        yield deltas, group


def _pair_matched_metrics(group: pd.DataFrame, resampled: ResampledDifference, seeds: Sequence[object]) -> pd.DataFrame:
    """Make the rows of pairs in the matched operating points, which a run has only beside a baseline."""
    one_metric = group[group.metric == group.metric.iloc[0]].set_index("seed").loc[list(seeds)].reset_index()
    parts = []
    compared = list_compared_metrics(group["split"].iloc[0])
    for metric in [metric for metric in MATCHED_METRICS if metric in compared]:
        column = COMPARED_METRICS.index(metric)
        score, baseline = resampled.scores[:, column], resampled.baseline_scores[:, column]
        parts.append(one_metric.assign(metric=metric, score=score, score_baseline=baseline, change=score - baseline))
    return pd.concat(parts, ignore_index=True)[group.columns]


def _estimate_from_seeds(group: pd.DataFrame, settings: StatisticsSettings) -> dict[str, DifferenceEstimate]:
    """Estimate the difference in each metric by a t test over seeds, with all nights taken as fixed."""
    fixed = VariancePart(0.0, math.inf)
    changes = {metric: part.change.to_numpy() for metric, part in group.groupby("metric")}
    return {
        metric: DifferenceEstimate(paired_tests.estimate_paired_mean(change, 1 - settings.alpha), fixed, fixed)
        for metric, change in changes.items()
    }


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
    known = np.isfinite(changes).all()
    seed_sd = float(np.std(changes, ddof=1)) if n > 1 and known else math.nan
    level = sequential.find_level(tuple(settings.looks), n, settings.alpha)
    estimate = replace(measured.estimate, difference=changes.mean())  # the bootstrap's has single precision in places
    if level < settings.alpha:
        estimate = paired_tests.estimate_from_error(
            estimate.difference, estimate.standard_error, estimate.degrees_of_freedom, 1 - level
        )
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
        measured=replace(measured, estimate=estimate),
        seed_sd=seed_sd,
        p_sign_flip=paired_tests.compute_sign_flip_p(changes) if n > 1 and known else math.nan,
        p_sign_flip_smallest=paired_tests.compute_smallest_sign_flip_p(n),
        p_equivalence=verdicts.compute_equivalence_p(measured.estimate, bound),
        effect_of_interest=bound,
        level=level,
    )


def _judge_family(family: Sequence[Delta], settings: StatisticsSettings) -> Iterator[Delta]:
    """Adjust the p values of one family, plan the seeds for its level, and decide the verdicts."""
    method = settings.p_adjustment
    # A p at the level of its look counts like one at alpha.
    scales = [settings.alpha / delta.level for delta in family]
    adjusted, equivalence = (
        paired_tests.adjust_p_values([min(p * scale, 1) for p, scale in zip(values, scales, strict=True)], method)
        for values in ([delta.measured.estimate.p for delta in family], [delta.p_equivalence for delta in family])
    )
    tests = sum(math.isfinite(delta.measured.estimate.p) for delta in family)
    level = settings.alpha / max(tests, 1)  # nearly that of the last look
    for delta, p_adjusted, p_equivalence_adjusted in zip(family, adjusted, equivalence, strict=True):
        nights = combine_parts(delta.measured.test_nights, delta.measured.validation_nights)
        yield replace(
            delta,
            p_adjusted=float(p_adjusted),
            p_equivalence_adjusted=float(p_equivalence_adjusted),
            plan=seed_planning.plan_seeds(
                delta.effect_of_interest, delta.seed_sd, nights.variance, delta.n, level, settings.power, nights.df
            ),
            verdict=verdicts.decide_verdict(
                delta.measured.estimate.difference,
                p_adjusted,
                p_equivalence_adjusted,
                settings.alpha,
                higher_is_better=delta.metric not in LOWER_IS_BETTER,
            ),
        )
