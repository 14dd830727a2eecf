"""Say in words what the differences show, by fixed rules."""

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from hardneg.common.display_names import METRIC_NAMES, SPLIT_NAMES
from hardneg.common.formatting import format_number, format_points, quote_name
from hardneg.models.metrics import HEADLINE_METRICS, PROPORTIONS
from hardneg.statistics.delta_table import axes_of, varying_axes

JUDGED = ("improves", "hurts")
# The keys of a tier that leave it a random sample of the whole pool.
CONTROL_KEYS = {"match_size_of", "seed", "exclude", "disjoint", "redraw"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference as a table cell shows it.

    Attributes
    ----------
    value : the difference as a number, to sort by.
    difference, interval : in points.
    verdict : with the effect of interest in points.
    reason : why a difference is undecided, or how many seeds would decide it; may be empty.
    """

    value: float
    difference: str
    interval: str
    verdict: str
    reason: str


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """The findings of one value of the compared axis; None where nothing was compared."""

    value: str
    cells: list[Finding | None]


@dataclass(frozen=True, slots=True)
class VerdictTable:
    """The findings of one comparison, split and metric: a row per value, a column per configuration."""

    comparison: str
    title: str
    columns: list[str]
    rows: list[VerdictRow]


@dataclass(frozen=True, slots=True)
class HardnessEffect:
    """A tier's effect in two parts: more negatives, and harder ones.

    Attributes
    ----------
    tier, control : the tier, and the tier of as many random negatives.
    metric, split, configuration : where the effect was measured.
    size_effect : the control's difference from training without mined negatives.
    hardness_effect : the tier's difference from its control.
    """

    tier: str
    control: str
    metric: str
    split: str
    configuration: str
    size_effect: Finding
    hardness_effect: Finding


def summarize_first_comparison(deltas: pd.DataFrame) -> list[str]:
    """Summarize the first comparison's differences in F1, one sentence per split: what helps, what hurts, what is open.

    Parameters
    ----------
    deltas : from :func:`hardneg.statistics.comparison.compare_runs`.
    """
    first = deltas[(deltas.vary == deltas.vary.iloc[0]) & (deltas.baseline == deltas.baseline.iloc[0])]
    first = _sort_by_importance(first[first.metric == HEADLINE_METRICS[0]])
    sentences = []
    for split, part in first.groupby("split", sort=False):
        axes = _varying_axes(part, deltas)
        vary, baseline = part.vary.iloc[0].replace("_", " "), part.baseline.iloc[0]
        judged = [
            f"{_name_with_configuration(row, axes)} {row.verdict} F1 by "
            f"{format_points(abs(row.difference))[1:]} points {format_interval(row)}"
            for _, row in part[part.verdict.isin(JUDGED)].iterrows()
        ]
        if judged:
            text = f"compared with {quote_name(baseline)}, {'; '.join(judged)}"
        else:
            text = f"no {vary} is judged better or worse than {quote_name(baseline)} in F1"
        counts = part.verdict.value_counts()
        small, undecided = counts.get("no effect larger than d", 0), counts.get("undecided", 0)
        bound = f"{100 * part.effect_of_interest.iloc[0]:g} points"
        sentences.append(
            f"{SPLIT_NAMES[split]}: {text}. Of {len(part)} differences, {small} can be shown to be smaller than "
            f"{bound} and {undecided} are undecided."
        )
    return sentences


def build_verdict_tables(deltas: pd.DataFrame) -> list[VerdictTable]:
    """Arrange the differences in the headline metrics, one table per comparison, split and metric."""
    tables = []
    ordered = _sort_by_importance(deltas[deltas.metric.isin(HEADLINE_METRICS)])
    for (vary, baseline, split, metric), part in ordered.groupby(["vary", "baseline", "split", "metric"], sort=False):
        axes = _varying_axes(part, deltas)
        cells = {(str(row["value"]), _configuration(row, axes)): describe_difference(row) for _, row in part.iterrows()}
        columns = list(dict.fromkeys(configuration for _, configuration in cells))
        values = dict.fromkeys(value for value, _ in cells)
        rows = [VerdictRow(value, [cells.get((value, column)) for column in columns]) for value in values]
        comparison = f"{vary.replace('_', ' ').capitalize()} compared with {quote_name(baseline)}"
        tables.append(VerdictTable(comparison, f"{METRIC_NAMES[metric]}, {SPLIT_NAMES[split]}", columns, rows))
    return tables


def describe_difference(row: pd.Series) -> Finding:
    """Describe one row of the table of differences; see :class:`Finding`."""
    reason = ""
    if pd.isna(row.ci_low):
        reason = "one seed only" if row.n == 1 else "no spread, so no interval"
    elif row.verdict == "undecided" and (row.ci_low > 0 or row.ci_high < 0):
        reason = "not after adjustment"
    elif row.verdict == "undecided" and row.seeds_needed > row.n:
        reason = (
            f"needs {format_number(row.seeds_needed, 0)} seeds" if row.seeds_needed < math.inf else "needs more nights"
        )
    return Finding(row["difference"], format_points(row.difference), format_interval(row), format_verdict(row), reason)


def format_verdict(row: pd.Series | dict[str, Any]) -> str:
    """Write the verdict with the effect of interest for its ``d``: in points, or in false positives per hour."""
    bound = row["effect_of_interest"] * (100 if row["metric"] in PROPORTIONS else 1)
    return str(row["verdict"]).replace("larger than d", f"larger than {bound:g}")


def format_interval(row: pd.Series | dict[str, Any]) -> str:
    """Write the interval of a difference in points."""
    return f"[{format_points(row['ci_low'])}, {format_points(row['ci_high'])}]"


def separate_hardness_from_size(
    deltas: pd.DataFrame, controls: dict[str, list[str]], none: str
) -> list[HardnessEffect]:
    """Separate what a tier's hardness does from what its size does.

    Parameters
    ----------
    deltas : with comparisons against `none` and against each control.
    controls : the controls of equal size of each tier that has some.
    none : the tier without mined negatives.

    Returns
    -------
    One effect per tier and control, split, metric and configuration.
    """
    tiers = _sort_by_importance(deltas[(deltas.vary == "negative_tier") & deltas.metric.isin(HEADLINE_METRICS)])
    effects = []
    for tier, control in ((tier, control) for tier, names in controls.items() for control in names):
        from_size = tiers[(tiers.value == control) & (tiers.baseline == none)]
        from_hardness = tiers[(tiers.value == tier) & (tiers.baseline == control)]
        varying = _varying_axes(from_size, deltas)
        axes = [axis for axis in axes_of(deltas) if axis != "negative_tier" and from_size[axis].notna().any()]
        keys = [*axes, "split", "metric"]
        by_key = from_hardness.set_index(keys, drop=False)
        effects += [
            HardnessEffect(
                tier=tier,
                control=control,
                metric=METRIC_NAMES[row.metric],
                split=SPLIT_NAMES[row.split],
                configuration=_configuration(row, varying),
                size_effect=describe_difference(row),
                hardness_effect=describe_difference(by_key.loc[tuple(row[keys])]),
            )
            for _, row in from_size.iterrows()
            if tuple(row[keys]) in by_key.index
        ]
    return effects


def find_controls(tiers: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    """Find the controls of each tier that has some: tiers of the same size, drawn at random from the whole pool."""
    controls: dict[str, list[str]] = {}
    for name, tier in tiers.items():
        if "match_size_of" in tier and set(tier) <= CONTROL_KEYS:
            controls.setdefault(tier["match_size_of"], []).append(name)
    return controls


def _sort_by_importance(deltas: pd.DataFrame) -> pd.DataFrame:
    """Put out of distribution first, because a detector is used there, and F1 before average precision."""
    metric = deltas.metric.map(HEADLINE_METRICS.index)
    rank = deltas.split.map({"test_ood": 0}).fillna(1) * len(HEADLINE_METRICS) + metric
    comparisons = deltas.groupby(["vary", "baseline"], sort=False).ngroup()
    return deltas.assign(comparison=comparisons, rank=rank).sort_values(["comparison", "rank"], kind="stable")


def _varying_axes(part: pd.DataFrame, deltas: pd.DataFrame) -> list[str]:
    return [axis for axis in varying_axes(deltas) if part[axis].notna().any()]


def _name_with_configuration(row: pd.Series, axes: list[str]) -> str:
    return f"{row['value']} ({_configuration(row, axes)})" if axes else str(row["value"])


def _configuration(row: pd.Series, axes: list[str]) -> str:
    return ", ".join(str(row[axis]) for axis in axes)
