"""Compare runs that differ in one axis, paired by seed."""

import pandas as pd

from hardneg.errors import InputError

METRICS = ("average_precision", "auroc", "f1", "precision", "recall", "false_positives_per_hour")
SPLITS = ("test_iid", "test_ood")


def compare(runs: pd.DataFrame, vary: str, baseline: str, axes: list[str]) -> pd.DataFrame:
    """Difference of each value of one axis from a baseline, all other axes held equal.

    Parameters
    ----------
    runs : one row per run and split, with the columns of `axes`, ``seed``, ``split`` and the metrics.
    vary : the axis that differs.
    baseline : its value that the others are compared with.
    axes : all axes but the seed.

    Returns
    -------
    One row per comparison, split and metric: ``vary, value, baseline``, the axes held, ``split, metric, n`` (pairs of
    seeds), ``mean, std`` (of the value's runs, ddof 1), ``baseline_mean, baseline_std`` and ``difference``, the mean
    over seeds of value minus baseline.

    Raises
    ------
    InputError
        If no run has the baseline, or a configuration and seed occur twice.
    """
    runs = runs.assign(**{axis: runs[axis].astype(str) for axis in axes})
    held = [axis for axis in axes if axis != vary]
    keys = [*axes, "seed", "split"]
    twice = runs[runs.duplicated(keys, keep=False)]
    if len(twice):
        raise InputError(f"runs occur twice:\n{twice[keys].to_string(index=False)}")
    if str(baseline) not in set(runs[vary]):
        raise InputError(f"no run has {vary} = {baseline}; there are: {', '.join(sorted(set(runs[vary])))}")
    long = runs[runs.split.isin(SPLITS)].melt([*keys], list(METRICS), var_name="metric", value_name="score")
    own = long[long[vary] != str(baseline)]
    base = long[long[vary] == str(baseline)].drop(columns=vary)
    pairs = own.merge(base, on=[*held, "seed", "split", "metric"], suffixes=("", "_baseline"))
    pairs["change"] = pairs.score - pairs.score_baseline
    deltas = pairs.groupby([*held, vary, "split", "metric"], sort=False, as_index=False).agg(
        n=("change", "size"),
        mean=("score", "mean"),
        std=("score", "std"),
        baseline_mean=("score_baseline", "mean"),
        baseline_std=("score_baseline", "std"),
        difference=("change", "mean"),
    )
    deltas = deltas.rename(columns={vary: "value"}).assign(vary=vary, baseline=str(baseline))
    front = ["vary", "value", "baseline", *held, "split", "metric"]
    return deltas[front + [column for column in deltas.columns if column not in front]]
