"""Compare runs that were made elsewhere, from a table with columns of its own."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from hardneg.common import tables
from hardneg.common.errors import InputError
from hardneg.statistics import paired_tests

METRICS = ("f1", "precision", "recall")


def load(path: str | os.PathLike, name: str, seed: str, axes: dict[str, dict], splits: dict[str, dict]) -> pd.DataFrame:
    """Read a table of finished runs.

    Parameters
    ----------
    path : CSV or Parquet, one row per run.
    name, seed : its columns with the run's name and seed.
    axes : for each axis its ``column``; ``pattern``, a regular expression whose first group is the value; ``missing``,
        the value where nothing matches; ``rename``, spellings that mean another value.
    splits : for each split the column of each metric.

    Returns
    -------
    One row per run and split: ``name, seed``, the axes (text), ``split`` and the metrics.

    Raises
    ------
    InputError
        If the file or a column is missing, a metric lies outside [0, 1], or a configuration and seed occur twice; the
        message names the columns or lists the rows.
    """
    if not Path(path).is_file():
        raise InputError(f"table of runs {path} does not exist.")
    table = tables.read(path)
    wanted = {
        name,
        seed,
        *(axis["column"] for axis in axes.values()),
        *(c for s in splits.values() for c in s.values()),
    }
    missing = sorted(wanted - set(table.columns))
    if missing:
        raise InputError(f"table of runs {path} lacks the column(s) {', '.join(missing)}.")
    about = pd.DataFrame({"name": table[name].astype(str), "seed": table[seed]})
    for axis, rule in axes.items():
        about[axis] = _values(table[rule["column"]], rule)
    parts = [
        about.assign(split=split, **{m: table[c] for m, c in columns.items()}) for split, columns in splits.items()
    ]
    runs = pd.concat(parts, ignore_index=True)
    for metric in METRICS:
        _refuse(runs, runs[metric].notna() & ~runs[metric].between(0, 1), path, f"a {metric} outside [0, 1]", [metric])
    keys = [*axes, "seed", "split"]
    _refuse(runs, runs.duplicated(keys, keep=False), path, "the same configuration and seed twice", keys)
    return runs


def compare(runs: pd.DataFrame, groups: list[dict], axes: list[str], alpha: float, adjust: str) -> pd.DataFrame:
    """Compare the values of one axis within declared groups of runs.

    Parameters
    ----------
    runs : from :func:`load`.
    groups : each with ``name``; ``where``, the ``split`` and the values of axes that its runs have; ``vary`` and
        ``baseline``; ``pool``, axes whose values may be mixed.
    axes : all axes.
    alpha, adjust : see :mod:`hardneg.statistics.paired_tests`. One metric over all groups is a family.

    Returns
    -------
    One row per group, value and metric: ``group, split, value, baseline, metric, runs`` (their names), ``n, mean, std``
    (ddof 1), ``difference`` of the means, ``difference_of_rounded`` (of means rounded to three decimals first, as some
    tables are printed); ``pairs`` of seeds, ``ci_low, ci_high, p`` (paired t; runs of one seed are averaged),
    ``p_adjusted, p_sign_flip, p_sign_flip_smallest, p_welch``, and ``seed_sd``, the standard deviation
    of the paired differences.

    Raises
    ------
    InputError
        If a group names an axis that does not exist, has no run or no baseline, or differs in a second axis or in its
        split.
    """
    rows = [row for group in groups for row in _group_rows(runs, group, axes, alpha)]
    deltas = pd.DataFrame(rows)
    deltas["p_adjusted"] = deltas.groupby("metric").p.transform(lambda p: paired_tests.adjust(p.to_numpy(), adjust))
    return deltas


def _group_rows(runs: pd.DataFrame, group: dict, axes: list[str], alpha: float) -> list[dict]:
    held, vary, baseline = runs, group["vary"], str(group["baseline"])
    for key, named, known in (
        ("where", group["where"], ["split", *axes]),
        ("vary", [vary], axes),
        ("pool", group.get("pool", []), axes),
    ):
        for axis in named:
            if axis not in known:
                there = ", ".join(known)
                raise InputError(f"group {group['name']}: {axis} under '{key}' is no axis; there are: {there}.")
    for axis, values in group["where"].items():
        values = [str(value) for value in (values if isinstance(values, list) else [values])]
        held = held[held[axis].astype(str).isin(values)]
    if held.empty:
        raise InputError(f"group {group['name']}: no run fits {group['where']}.")
    if baseline not in set(held[vary]):
        there = ", ".join(sorted(set(held[vary])))
        raise InputError(f"group {group['name']}: no run has {vary} = {baseline}, its baseline; there are: {there}.")
    for axis in ("split", *axes):
        if axis not in (vary, *group.get("pool", [])) and held[axis].nunique() > 1:
            values = ", ".join(sorted(set(held[axis])))
            mixed = "" if axis == "split" else ", or name it under 'pool' if its values may be mixed"
            raise InputError(
                f"group {group['name']}: its runs differ in {axis} ({values}) as well as in {vary}: fix it under "
                f"'where'{mixed}."
            )
    base = held[held[vary] == baseline]
    order = [baseline, *[value for value in pd.unique(held[vary]) if value != baseline]]
    return [
        {"group": group["name"], "split": base.split.iloc[0], "value": value, "baseline": baseline, "metric": metric}
        | _contrast(held[held[vary] == value], base, metric, value == baseline, alpha)
        for value in order
        for metric in METRICS
    ]


def _contrast(own: pd.DataFrame, base: pd.DataFrame, metric: str, is_baseline: bool, alpha: float) -> dict:
    row = {
        "runs": ", ".join(sorted(own.name)),
        "n": len(own),
        "mean": own[metric].mean(),
        "std": own[metric].std(),
        "difference": own[metric].mean() - base[metric].mean(),
        "difference_of_rounded": round(_as_printed(own[metric].mean()) - _as_printed(base[metric].mean()), 3),
    }
    if is_baseline:
        return row
    by_seed = [runs.groupby("seed")[metric].mean() for runs in (own, base)]
    changes = (by_seed[0] - by_seed[1]).dropna().to_numpy()
    estimate = paired_tests.paired_t(changes, 1 - alpha) if len(changes) else paired_tests.t_estimate(np.nan, np.nan, 0)
    return row | {
        "pairs": len(changes),
        "ci_low": estimate.low,
        "ci_high": estimate.high,
        "p": estimate.p,
        "p_sign_flip": paired_tests.sign_flip_p(changes) if len(changes) > 1 else np.nan,
        "p_sign_flip_smallest": paired_tests.smallest_p(len(changes)),
        "p_welch": _welch_p(own[metric], base[metric]),
        "seed_sd": float(np.std(changes, ddof=1)) if len(changes) > 1 else np.nan,
    }


def _welch_p(own: pd.Series, base: pd.Series) -> float:
    error = np.hypot(own.sem(), base.sem())
    return float(stats.ttest_ind(own, base, equal_var=False).pvalue) if error >= paired_tests.NO_SPREAD else np.nan


def _as_printed(mean: float) -> float:
    """Round to three decimals as Python prints a number: by the float's exact value, which lies beside the half.

    NumPy, and so pandas, rounds the thousandfold instead, halves to even.
    """
    return round(float(mean), 3)


def _values(column: pd.Series, rule: dict) -> pd.Series:
    text = column.astype("string")
    found = text.str.extract(rule["pattern"], expand=False) if "pattern" in rule else text
    found = found.fillna(rule.get("missing", "")).astype(object)
    return found.replace(rule.get("rename", {}))


def _refuse(runs: pd.DataFrame, wrong: pd.Series, path, what: str, columns: list[str]) -> None:
    if wrong.any():
        listing = runs.loc[wrong, list(dict.fromkeys(["name", "split", *columns]))].head(20).to_string(index=False)
        raise InputError(f"table of runs {path}: {wrong.sum()} row(s) with {what}:\n{listing}")
