"""Compare runs that were made elsewhere, from a table with other columns."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from hardneg.common import text_tables
from hardneg.common.errors import InputError
from hardneg.statistics import paired_tests

# The metrics that a table of finished runs must contain: the keys of a split in finished_runs.schema.yaml.
REPORTED_METRICS = ("f1", "precision", "recall")
MAX_ROWS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class AxisColumn:
    """Rules for reading the values of an axis.

    Attributes
    ----------
    column : of the table.
    pattern : a regular expression whose first group is the value; None takes the whole cell.
    missing : the value where nothing matches.
    rename : spellings that stand for another value.
    """

    column: str
    pattern: str | None = None
    missing: str = ""
    rename: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunColumns:
    """The columns of the table, by their meaning.

    Attributes
    ----------
    name, seed : columns with the name and the seed of a run.
    axes : how to read each axis.
    splits : for each split, the column of each metric.
    """

    name: str
    seed: str
    axes: Mapping[str, AxisColumn]
    splits: Mapping[str, Mapping[str, str]]

    @classmethod
    def from_config(
        cls, name: str, seed: str, axes: Mapping[str, Mapping[str, Any]], splits: Mapping[str, Mapping[str, str]]
    ) -> "RunColumns":
        """Build the columns from the block ``finished_runs`` of the configuration."""
        return cls(name, seed, {axis: AxisColumn(**definition) for axis, definition in axes.items()}, splits)

    def all_columns(self) -> set[str]:
        """Return every column that the table must have."""
        axes = {axis.column for axis in self.axes.values()}
        return {self.name, self.seed} | axes | {column for split in self.splits.values() for column in split.values()}


@dataclass(frozen=True, slots=True)
class RunGroup:
    """A group of runs within which one axis is compared.

    Attributes
    ----------
    name : of the group.
    where : the split, and for each axis the value or list of values that the runs have.
    vary, baseline : the axis, and its value that the others are compared with.
    mixed_axes : axes whose values may be mixed.
    """

    name: str
    where: Mapping[str, Any]
    vary: str
    baseline: str | float | bool
    mixed_axes: Sequence[str] = ()


def load(path: str | os.PathLike[str], columns: RunColumns) -> pd.DataFrame:
    """Load a table of finished runs.

    Parameters
    ----------
    path : CSV or Parquet, one row per run.

    Returns
    -------
    One row per run and split: ``name, seed``, the axes (text), ``split`` and the metrics.

    Raises
    ------
    InputError
        If the file or a column is missing, a metric lies outside [0, 1], or an arm and seed occur twice. The
        message names the columns or lists the rows.
    """
    if not Path(path).is_file():
        raise InputError(f"table of runs {path} does not exist: correct finished_runs.table in the configuration.")
    source = f"table of runs {path}"
    table = text_tables.read(path, source, sorted(columns.all_columns()))
    missing = sorted(columns.all_columns() - set(table.columns))
    if missing:
        raise InputError(
            f"table of runs {path} lacks the column(s) {', '.join(missing)}: correct finished_runs in the "
            "configuration."
        )
    seeds = pd.to_numeric(table[columns.seed], errors="coerce")
    seed = table[columns.seed] if seeds.isna().any() else seeds  # a seed may be a word
    described = pd.DataFrame({"name": table[columns.name], "seed": seed})
    for axis, definition in columns.axes.items():
        described[axis] = _read_axis(table[definition.column], definition)
    parts = [
        described.assign(
            split=split,
            **{metric: text_tables.parse_numbers(table, column, source) for metric, column in metric_columns.items()},
        )
        for split, metric_columns in columns.splits.items()
    ]
    runs = pd.concat(parts, ignore_index=True)
    for metric in REPORTED_METRICS:
        outside = runs[metric].notna() & ~runs[metric].between(0, 1)
        _refuse(runs, outside, path, f"a {metric} outside [0, 1]", [metric])
    keys = [*columns.axes, "seed", "split"]
    _refuse(runs, runs.duplicated(keys, keep=False), path, "the same arm and seed twice", keys)
    return runs


def compare(
    runs: pd.DataFrame, groups: Sequence[RunGroup], axes: Sequence[str], alpha: float, p_adjustment: str
) -> pd.DataFrame:
    """Compare the values of one axis within groups of runs.

    Parameters
    ----------
    runs : from :func:`load`.
    axes : all axes.
    alpha : intervals cover ``1 - alpha``.
    p_adjustment : see :func:`hardneg.statistics.paired_tests.adjust_p_values`. One metric over all groups is a family.

    Returns
    -------
    One row per group, value and metric:

    - ``group, split, value, baseline, metric``, ``runs`` (their names), ``n, mean, std`` (ddof 1).
    - ``difference`` of the means, and ``difference_of_rounded``: of the means rounded to three decimals first, as in
      some printed tables.
    - ``pairs`` of seeds and the paired t test over them, ``ci_low, ci_high, p, p_adjusted``. Runs of one seed are
      averaged.
    - ``p_sign_flip, p_sign_flip_smallest``, and ``p_welch`` (B. L. Welch, *Biometrika* 34, 1947).
    - ``seed_sd``, the standard deviation of the paired differences.

    Raises
    ------
    InputError
        If a group names an axis that does not exist, has no run or no baseline, or differs in a second axis or in its
        split.
    """
    deltas = pd.DataFrame([row for group in groups for row in _compare_group(runs, group, axes, alpha)])
    p_by_family = deltas.groupby("metric").p
    deltas["p_adjusted"] = p_by_family.transform(lambda p: paired_tests.adjust_p_values(p.to_numpy(), p_adjustment))
    return deltas


def _compare_group(
    runs: pd.DataFrame, group: RunGroup, axes: Sequence[str], alpha: float
) -> Iterator[dict[str, object]]:
    """Yield the rows of one group, its baseline first."""
    selected = _select_runs(runs, group, axes)
    vary, baseline = group.vary, str(group.baseline)
    baseline_runs = selected[selected[vary] == baseline]
    others = [value for value in pd.unique(selected[vary]) if value != baseline]
    for value in [baseline, *others]:
        for metric in REPORTED_METRICS:
            row = {"group": group.name, "split": baseline_runs.split.iloc[0], "value": value, "baseline": baseline}
            value_runs = selected[selected[vary] == value]
            row |= {"metric": metric} | _summarize(value_runs, baseline_runs, metric)
            yield row if value == baseline else row | _test_difference(value_runs, baseline_runs, metric, alpha)


def _select_runs(runs: pd.DataFrame, group: RunGroup, axes: Sequence[str]) -> pd.DataFrame:
    """Select the runs of a group, and check that they differ in no axis but the one that varies."""
    for key, names, known in (
        ("where", group.where, ["split", *axes]),
        ("vary", [group.vary], axes),
        ("mixed_axes", group.mixed_axes, axes),
    ):
        for name in names:
            if name not in known:
                raise InputError(
                    f"group {group.name}: '{name}' under '{key}' is not an axis; there are: {', '.join(known)}."
                )
    selected = runs
    for axis, values in group.where.items():
        allowed = [str(value) for value in (values if isinstance(values, list) else [values])]
        selected = selected[selected[axis].astype(str).isin(allowed)]
    if selected.empty:
        raise InputError(f"group {group.name}: no run matches {group.where}. Correct 'where'.")
    vary, baseline = group.vary, str(group.baseline)
    if baseline not in set(selected[vary]):
        raise InputError(
            f"group {group.name}: no run has {vary} = {baseline}, its baseline; there are: "
            f"{', '.join(sorted(set(selected[vary])))}."
        )
    for axis in ("split", *axes):
        if axis not in (vary, *group.mixed_axes) and selected[axis].nunique() > 1:
            values = ", ".join(sorted(set(selected[axis])))
            hint = "" if axis == "split" else ", or name it under 'mixed_axes' if its values may be mixed"
            raise InputError(
                f"group {group.name}: its runs differ in {axis} ({values}) as well as in {vary}: fix it under "
                f"'where'{hint}."
            )
    return selected


def _summarize(runs: pd.DataFrame, baseline: pd.DataFrame, metric: str) -> dict[str, object]:
    mean, baseline_mean = runs[metric].mean(), baseline[metric].mean()
    return {
        "runs": ", ".join(sorted(runs.name)),
        "n": len(runs),
        "mean": mean,
        "std": runs[metric].std(),
        "difference": mean - baseline_mean,
        "difference_of_rounded": round(_round_as_printed(mean) - _round_as_printed(baseline_mean), 3),
    }


def _test_difference(runs: pd.DataFrame, baseline: pd.DataFrame, metric: str, alpha: float) -> dict[str, object]:
    seed_means, baseline_seed_means = (part.groupby("seed")[metric].mean() for part in (runs, baseline))
    changes = (seed_means - baseline_seed_means).dropna().to_numpy()
    if len(changes):
        estimate = paired_tests.estimate_paired_mean(changes, 1 - alpha)
    else:
        estimate = paired_tests.estimate_from_error(np.nan, np.nan, 0)
    return {
        "pairs": len(changes),
        "ci_low": estimate.low,
        "ci_high": estimate.high,
        "p": estimate.p,
        "p_sign_flip": paired_tests.compute_sign_flip_p(changes) if len(changes) > 1 else np.nan,
        "p_sign_flip_smallest": paired_tests.compute_smallest_sign_flip_p(len(changes)),
        "p_welch": _compute_welch_p(runs[metric], baseline[metric]),
        "seed_sd": float(np.std(changes, ddof=1)) if len(changes) > 1 else np.nan,
    }


def _compute_welch_p(values: pd.Series, baseline: pd.Series) -> float:
    error = np.hypot(values.sem(), baseline.sem())
    if not error >= paired_tests.MIN_STANDARD_ERROR:
        return float("nan")
    return float(stats.ttest_ind(values, baseline, equal_var=False).pvalue)


def _round_as_printed(mean: float) -> float:
    """Round to three decimals as Python prints a number: by the exact value of the float.

    NumPy, and so pandas, rounds a thousand times the value to even halves, which differs where the value is printed as
    a half but lies beside it.
    """
    return round(float(mean), 3)


def _read_axis(column: pd.Series, definition: AxisColumn) -> pd.Series:
    text = column.where(column != "")
    values = text if definition.pattern is None else text.str.extract(definition.pattern, expand=False)
    return values.fillna(definition.missing).astype(object).replace(dict(definition.rename))


def _refuse(
    runs: pd.DataFrame, wrong: pd.Series, path: str | os.PathLike[str], fault: str, columns: Sequence[str]
) -> None:
    if wrong.any():
        shown = list(dict.fromkeys(["name", "split", *columns]))
        listing = runs.loc[wrong, shown].head(MAX_ROWS_SHOWN).to_string(index=False)
        raise InputError(f"table of runs {path}: {wrong.sum()} row(s) with {fault}. Correct them:\n{listing}")
