"""Pairs of runs that differ in one axis and share everything else, the seed included."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from hardneg.common.errors import InputError
from hardneg.models.metrics import METRICS, TEST_POOL_METRICS
from hardneg.recordings.manifest import EVALUATED_SPLITS, TEST_POOL


@dataclass(frozen=True, slots=True)
class Comparison:
    """Which axis to compare, with all other axes held equal.

    Attributes
    ----------
    vary : the axis that differs.
    baseline : its value that the others are compared with, as text.
    """

    vary: str
    baseline: str


def select_possible(comparisons: Sequence[Comparison], runs: pd.DataFrame) -> list[Comparison]:
    """Select the comparisons whose baseline was trained, and another value too.

    The configuration is checked for baselines that the matrix lacks. A value without runs is therefore a tier without
    files, whose runs are left out.

    Raises
    ------
    InputError
        If no comparison is left.
    """
    trained = {comparison: set(runs[comparison.vary].astype(str)) for comparison in comparisons}
    possible = [
        comparison for comparison, values in trained.items() if comparison.baseline in values and len(values) > 1
    ]
    if not possible:
        raise InputError(
            "There is nothing to compare: the runs of all tiers without files are left out, and no comparison has both "
            "its baseline and another value. The files tiers/*.json give the reasons. Run `snakemake mine` for a page "
            "that suggests tiers."
        )
    return possible


def pair_runs(runs: pd.DataFrame, comparison: Comparison, axes: Sequence[str]) -> pd.DataFrame:
    """Put each run beside the baseline's run with the same seed, split and values of the other axes.

    Parameters
    ----------
    runs : one row per run and split, with the columns of `axes`, ``seed``, ``split`` and the metrics.
    axes : all axes except the seed.

    Returns
    -------
    One row per pair and metric: the other axes, ``vary, value, baseline, seed, split, metric, score, score_baseline,
    change``. In the held-out pool, only :data:`~hardneg.models.metrics.TEST_POOL_METRICS` are compared.

    Raises
    ------
    InputError
        If no run has the baseline, no other run shares its seed and other axes, or a run occurs twice.
    """
    vary, baseline = comparison.vary, comparison.baseline
    runs = runs.assign(**{axis: runs[axis].astype(str) for axis in axes})
    other_axes = [axis for axis in axes if axis != vary]
    keys = [*axes, "seed", "split"]
    repeated = runs[runs.duplicated(keys, keep=False)]
    if len(repeated):
        raise InputError(
            f"runs occur twice:\n{repeated[keys].to_string(index=False)}\nKeep one row of each run and split."
        )
    if baseline not in set(runs[vary]):
        raise InputError(
            f"no run has {vary} = {baseline}; there are: {', '.join(sorted(set(runs[vary])))}. "
            "Choose one of these as the baseline."
        )
    long = runs[runs.split.isin(EVALUATED_SPLITS)].melt(keys, list(METRICS), var_name="metric", value_name="score")
    long = long[(long.split != TEST_POOL) | long.metric.isin(TEST_POOL_METRICS)]
    compared = long[long[vary] != baseline]
    base = long[long[vary] == baseline].drop(columns=vary)
    pairs = compared.merge(base, on=[*other_axes, "seed", "split", "metric"], suffixes=("", "_baseline"))
    if pairs.empty:
        raise InputError(
            f"no run of another {vary} shares its seed and other axes with one of {vary} = {baseline}: train both "
            "with the same seeds and values of the other axes."
        )
    pairs["change"] = pairs.score - pairs.score_baseline
    return pairs.rename(columns={vary: "value"}).assign(vary=vary, baseline=baseline)


def pair_all(runs: pd.DataFrame, comparisons: Sequence[Comparison], axes: Sequence[str]) -> pd.DataFrame:
    """Pair the runs of several comparisons, in one table; see :func:`pair_runs`."""
    return pd.concat([pair_runs(runs, comparison, axes) for comparison in comparisons], ignore_index=True)


def find_runs_behind(
    row: pd.Series, pairs: pd.DataFrame, run_of_folder: Mapping[str, Mapping[str, object]]
) -> pd.DataFrame:
    """Find the pairs of runs whose mean difference a row of ``deltas.csv`` is.

    Parameters
    ----------
    row : from :func:`hardneg.statistics.comparison.compare_runs`.
    pairs : from :func:`pair_all`.
    run_of_folder : axes and seed of the run in each folder.

    Returns
    -------
    The pairs, with the columns ``run`` and ``baseline_run``, which are folders.
    """
    keys = [column for column in pairs if column in row.index and pd.notna(row[column])]
    selected = pairs[pairs[keys].astype(str).eq(row[keys].astype(str)).all(axis=1)]
    folder_of = {
        frozenset((axis, str(value)) for axis, value in run.items()): folder for folder, run in run_of_folder.items()
    }
    shared_axes = [axis for axis in next(iter(run_of_folder.values())) if axis != row.vary]
    shared = [{(axis, str(pair[axis])) for axis in shared_axes} for _, pair in selected.iterrows()]
    return selected.assign(
        run=[folder_of[frozenset(values | {(row.vary, str(row.value))})] for values in shared],
        baseline_run=[folder_of[frozenset(values | {(row.vary, str(row.baseline))})] for values in shared],
    )
