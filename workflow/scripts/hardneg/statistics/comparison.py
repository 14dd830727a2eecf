"""Compare runs that differ in one axis, paired by seed, and say which differences are real."""

import math
from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd

from hardneg.common.errors import InputError
from hardneg.common.log import track_progress
from hardneg.statistics import paired_tests
from hardneg.statistics.bootstrap import METRICS, ScoredFiles, two_way_bootstrap
from hardneg.statistics.paired_tests import Estimate

SPLITS = ("test_iid", "test_ood")
LOWER_IS_BETTER = ("false_positives_per_hour",)
INTERNAL_COLUMNS = ("standard_error", "degrees_of_freedom", "seed_sd", "night_variance", "night_df")
ScoresOf = Callable[[dict, str], ScoredFiles]


def compare(
    runs: pd.DataFrame, comparisons: list[dict], axes: list[str], settings: dict, scores_of: ScoresOf | None = None
) -> pd.DataFrame:
    """Difference of each value of an axis from a baseline, all other axes held equal.

    Parameters
    ----------
    runs : one row per run and split, with the columns of `axes`, ``seed``, ``split`` and the metrics.
    comparisons : each with ``vary``, the axis that differs, and ``baseline``, its value that others are compared with.
    axes : all axes but the seed.
    settings : ``alpha``; ``p_adjustment`` (see :func:`hardneg.statistics.paired_tests.adjust`); ``power``; ``resamples``;
        ``effects_of_interest``, the smallest difference that matters in each metric.
    scores_of : gives the file scores of a run (its axes and seed) on a split. Without it, test nights are not resampled
        and only the spread between seeds is in the intervals.

    Returns
    -------
    One row per comparison, split and metric: ``vary, value, baseline``, the axes held, ``split, metric, n`` (pairs of
    seeds); ``mean, std`` (of the value's runs, ddof 1), ``baseline_mean, baseline_std``; ``difference`` (mean over
    seeds of value minus baseline), ``ci_low, ci_high, p``; ``p_adjusted`` in the family of one comparison and metric;
    ``p_sign_flip`` and ``p_sign_flip_smallest``, the least that so few seeds can give; ``p_equivalence``;
    ``detectable_effect`` and ``seeds_needed`` for the effect of interest, at the level that decides: ``alpha`` by the
    number of differences in the family whose p is known, which is what Holm's method asks of the smallest; ``verdict``.

    Raises
    ------
    InputError
        If no run has a baseline, none shares its configuration and seed with the baseline's, or a configuration and
        seed occur twice.
    """
    tables = [_differences(pair_runs(runs, axes=axes, **pair), axes, settings, scores_of) for pair in comparisons]
    deltas = pd.concat(tables, ignore_index=True)
    family = deltas.groupby(["vary", "baseline", "metric"], sort=False).p
    deltas["p_adjusted"] = family.transform(lambda p: paired_tests.adjust(p.to_numpy(), settings["p_adjustment"]))
    deltas[["detectable_effect", "seeds_needed"]] = [
        _planned(row, settings["alpha"] / max(size, 1), settings["power"])
        for row, size in zip(deltas.itertuples(), family.transform("count"), strict=True)
    ]
    deltas["verdict"] = [_verdict(row, settings) for row in deltas.itertuples()]
    front = ["vary", "value", "baseline", *axes, "split", "metric", "n"]
    deltas = deltas.drop(columns=list(INTERNAL_COLUMNS))
    return deltas[[column for column in front if column in deltas] + list(deltas.columns.difference(front, sort=False))]


def pair_runs(runs: pd.DataFrame, vary: str, baseline: str, axes: list[str]) -> pd.DataFrame:
    """Put each run beside the baseline's run of the same configuration, seed and split.

    Returns
    -------
    One row per pair and metric: the axes held, ``vary, value, baseline, seed, split, metric, score, score_baseline,
    change``.
    """
    runs = runs.assign(**{axis: runs[axis].astype(str) for axis in axes})
    held = [axis for axis in axes if axis != vary]
    keys = [*axes, "seed", "split"]
    twice = runs[runs.duplicated(keys, keep=False)]
    if len(twice):
        raise InputError(f"runs occur twice:\n{twice[keys].to_string(index=False)}")
    if str(baseline) not in set(runs[vary]):
        raise InputError(f"no run has {vary} = {baseline}; there are: {', '.join(sorted(set(runs[vary])))}")
    long = runs[runs.split.isin(SPLITS)].melt(keys, list(METRICS), var_name="metric", value_name="score")
    own = long[long[vary] != str(baseline)]
    base = long[long[vary] == str(baseline)].drop(columns=vary)
    pairs = own.merge(base, on=[*held, "seed", "split", "metric"], suffixes=("", "_baseline"))
    if pairs.empty:
        raise InputError(
            f"no run of another {vary} shares its configuration and seed with one of {vary} = {baseline}: train both "
            "with the same seeds and values of the other axes."
        )
    pairs["change"] = pairs.score - pairs.score_baseline
    return pairs.rename(columns={vary: "value"}).assign(vary=vary, baseline=str(baseline))


def pair_all(runs: pd.DataFrame, comparisons: list[dict], axes: list[str]) -> pd.DataFrame:
    """Put the pairs of several comparisons together; see :func:`pair_runs`."""
    return pd.concat([pair_runs(runs, axes=axes, **comparison) for comparison in comparisons], ignore_index=True)


def runs_behind(row: pd.Series, pairs: pd.DataFrame, folders: dict[str, dict]) -> pd.DataFrame:
    """Find the pairs of runs whose differences a row of the delta table is the mean of.

    Parameters
    ----------
    row : of :func:`compare`.
    pairs : of :func:`pair_all`.
    folders : the axes and seed of each run, by its folder.

    Returns
    -------
    The pairs, with ``run`` and ``baseline_run``, their folders.
    """
    keys = [column for column in pairs if column in row.index and pd.notna(row[column])]
    chosen = pairs[pairs[keys].astype(str).eq(row[keys].astype(str)).all(axis=1)]
    folder_of = {frozenset((axis, str(value)) for axis, value in run.items()): name for name, run in folders.items()}
    axes = [axis for axis in next(iter(folders.values())) if axis != row.vary]
    held = [{(axis, str(pair[axis])) for axis in axes} for _, pair in chosen.iterrows()]
    return chosen.assign(
        run=[folder_of[frozenset(axes | {(row.vary, str(row.value))})] for axes in held],
        baseline_run=[folder_of[frozenset(axes | {(row.vary, str(row.baseline))})] for axes in held],
    )


def _differences(pairs: pd.DataFrame, axes: list[str], settings: dict, scores_of: ScoresOf | None) -> pd.DataFrame:
    vary, baseline = pairs.vary.iloc[0], pairs.baseline.iloc[0]
    held = [axis for axis in axes if axis != vary]
    groups = pairs.groupby([*held, "value", "split"], sort=False)
    rows = []
    for key, group in track_progress(groups, groups.ngroups, f"comparing with {baseline}"):
        configuration = dict(zip([*held, "value", "split"], key, strict=True))
        estimates = _estimates(group, configuration, vary, baseline, held, settings, scores_of)
        for metric, part in group.groupby("metric", sort=False):
            row = {"vary": vary, "baseline": baseline, **configuration, "metric": metric}
            rows.append(row | _describe(part, *estimates[metric], settings))
    return pd.DataFrame(rows)


def _estimates(
    group, configuration, vary, baseline, held, settings, scores_of
) -> dict[str, tuple[Estimate, float, float]]:
    if scores_of is None:
        changes = {metric: part.change.to_numpy() for metric, part in group.groupby("metric")}
        estimates = {metric: paired_tests.paired_t(change, 1 - settings["alpha"]) for metric, change in changes.items()}
        return {metric: (estimate, 0.0, math.inf) for metric, estimate in estimates.items()}
    runs = [{axis: configuration[axis] for axis in held} | {"seed": seed} for seed in group.seed.unique()]
    split = configuration["split"]
    own = [scores_of(run | {vary: configuration["value"]}, split) for run in runs]
    base = [scores_of(run | {vary: baseline}, split) for run in runs]
    return two_way_bootstrap(own, base, settings["resamples"], 1 - settings["alpha"])


def _describe(part: pd.DataFrame, estimate: Estimate, night_variance: float, night_df: float, settings: dict) -> dict:
    changes = part.change.to_numpy()
    n = len(changes)
    bound = settings["effects_of_interest"][part.metric.iloc[0]]
    return {
        "n": n,
        "mean": part.score.mean(),
        "std": part.score.std(),
        "baseline_mean": part.score_baseline.mean(),
        "baseline_std": part.score_baseline.std(),
        "difference": changes.mean(),
        "ci_low": estimate.low,
        "ci_high": estimate.high,
        "p": estimate.p,
        "p_adjusted": np.nan,
        "p_sign_flip": paired_tests.sign_flip_p(changes) if n > 1 else np.nan,
        "p_sign_flip_smallest": paired_tests.smallest_p(n),
        "p_equivalence": paired_tests.equivalence_p(estimate, bound),
        "effect_of_interest": bound,
        "detectable_effect": np.nan,
        "seeds_needed": np.nan,
        "standard_error": estimate.standard_error,
        "degrees_of_freedom": estimate.degrees_of_freedom,
        "seed_sd": float(np.std(changes, ddof=1)) if n > 1 else np.nan,
        "night_variance": night_variance,
        "night_df": night_df,
    }


def _planned(row, alpha: float, power: float) -> tuple[float, float]:
    rest = {"alpha": alpha, "power": power, "fixed_freedom": row.night_df}
    return (
        paired_tests.detectable_effect(row.seed_sd, row.night_variance, row.n, **rest),
        paired_tests.seeds_needed(row.effect_of_interest, row.seed_sd, row.night_variance, **rest),
    )


def _verdict(row, settings: dict) -> str:
    estimate = Estimate(row.difference, row.standard_error, row.degrees_of_freedom, row.ci_low, row.ci_high, row.p)
    better = row.metric not in LOWER_IS_BETTER
    return paired_tests.verdict(estimate, row.p_adjusted, row.effect_of_interest, settings["alpha"], better)


def make_score_loader(paths: list[str], runs: list[dict], measured: pd.DataFrame, order: list[str]) -> ScoresOf:
    """Read file scores when they are asked for, each run's once.

    Parameters
    ----------
    paths, runs : the scores of each run, and its axes and seed.
    measured : one row per run and split, with the frozen ``threshold``.
    order : the axes and the seed.
    """
    path_of = {tuple(str(run[axis]) for axis in order): path for path, run in zip(paths, runs, strict=True)}
    thresholds = measured.drop_duplicates(order).astype(dict.fromkeys(order, str)).set_index(order).threshold.to_dict()

    @cache
    def read(key: tuple) -> pd.DataFrame:
        columns = ["split", "file_path", "label", "confidence", "group", "duration_s"]
        return pd.read_parquet(path_of[key], columns=columns).sort_values("file_path")

    def scores_of(run: dict, split: str) -> ScoredFiles:
        key = tuple(str(run[axis]) for axis in order)
        files = read(key)[read(key).split == split]
        return ScoredFiles(
            files.label.to_numpy(),
            files.confidence.to_numpy(),
            pd.factorize(files.group, sort=True)[0],
            files.duration_s.to_numpy() / 3600,
            thresholds[key],
        )

    return scores_of
