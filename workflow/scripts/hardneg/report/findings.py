"""Say in words what the differences show, by fixed rules."""

import pandas as pd

from hardneg.common.display_names import METRIC_NAMES, SPLIT_NAMES
from hardneg.common.formatting import format_number, format_points, quote_name

METRICS = ("f1", "average_precision")


def in_short(deltas: pd.DataFrame) -> list[str]:
    """The first comparison's differences in F1, one sentence per split: what helps, what hurts, what is open."""
    first = deltas[(deltas.vary == deltas.vary.iloc[0]) & (deltas.baseline == deltas.baseline.iloc[0])]
    first = _in_order(first[first.metric == METRICS[0]])
    sentences = []
    for split, part in first.groupby("split", sort=False):
        held = _held(part, deltas)
        counts = part.verdict.value_counts()
        told = [_named(row, held) + f" {row.verdict} by {format_points(abs(row.difference))[1:]} points" + _interval(row)
                for _, row in part[part.verdict.isin(["improves", "hurts"])].iterrows()]  # fmt: skip
        vary, baseline = part.vary.iloc[0].replace("_", " "), part.baseline.iloc[0]
        text = "; ".join(told) if told else f"no {vary} is judged better or worse than {quote_name(baseline)}"
        without, open_ = counts.get("no effect larger than d", 0), counts.get("undecided", 0)
        bound = f"{100 * part.effect_of_interest.iloc[0]:g} points"
        rest = f"{without} of {len(part)} differences can be shown to be below {bound}; undecided: {open_}."
        sentences.append(f"{SPLIT_NAMES[split]}, F1 against {baseline}: {text}. {rest}")
    return sentences


def by_verdict(deltas: pd.DataFrame) -> list[dict]:
    """Lay out the differences of each comparison, split and metric: a row per value, a column per configuration.

    Returns
    -------
    Blocks with ``title``, ``columns`` (the configurations' names) and ``rows``, each with its ``value`` and ``cells``
    (see `cell`; None where nothing was compared).
    """
    blocks = []
    shown = _in_order(deltas[deltas.metric.isin(METRICS)])
    for (vary, baseline, split, metric), part in shown.groupby(["vary", "baseline", "split", "metric"], sort=False):
        held = _held(part, deltas)
        by_place = {(str(row.value), _where(row, held)): cell(row) for _, row in part.iterrows()}
        columns = list(dict.fromkeys(where for _, where in by_place))
        values = dict.fromkeys(value for value, _ in by_place)
        title = f"{METRIC_NAMES[metric]}, {SPLIT_NAMES[split]}, {vary.replace('_', ' ')} against {baseline}"
        rows = [{"value": value, "cells": [by_place.get((value, where)) for where in columns]} for value in values]
        blocks.append({"title": title, "columns": columns, "rows": rows})
    return blocks


def cell(row: pd.Series) -> dict:
    """A table's cell: ``difference`` and ``interval`` in points, ``verdict``, and ``rest``: what would decide."""
    rest = ""
    if pd.isna(row.ci_low):
        rest = "one seed" if row.n == 1 else "no spread to judge by"
    elif row.verdict == "undecided" and (row.ci_low > 0 or row.ci_high < 0):
        rest = "not after adjustment"
    elif row.verdict == "undecided" and row.seeds_needed > row.n:
        enough = row.seeds_needed < float("inf")
        rest = f"{format_number(row.seeds_needed, 0)} seeds" if enough else "more nights"
    return {
        "value": row.difference,
        "difference": format_points(row.difference),
        "interval": _interval(row).strip(),
        "verdict": with_bound(row),
        "rest": rest,
    }


def with_bound(row: pd.Series | dict) -> str:
    """The verdict, with the effect of interest in points (false positives per hour as they are) for the ``d`` in it."""
    bound = row["effect_of_interest"] * (1 if row["metric"] == "false_positives_per_hour" else 100)
    return row["verdict"].replace("larger than d", f"larger than {bound:g}")


def harder_or_more(deltas: pd.DataFrame, controls: dict[str, str], none: str) -> list[dict]:
    """Part what a tier does into what as many random negatives do, and what hardness adds to that.

    Parameters
    ----------
    deltas : with comparisons against `none` and against each control.
    controls : the control of equal size of each tier that has one.
    none : the tier without mined negatives.

    Returns
    -------
    One row per tier with a control, split, metric and configuration: ``tier, control, metric, split, where`` and the
    cells ``more`` and ``harder``.
    """
    tiers = _in_order(deltas[(deltas.vary == "negative_tier") & deltas.metric.isin(METRICS)])
    rows = []
    for tier, control in controls.items():
        more = tiers[(tiers.value == control) & (tiers.baseline == none)]
        harder = tiers[(tiers.value == tier) & (tiers.baseline == control)]
        held = _held(more, deltas)
        axes = [axis for axis in _axes(deltas) if axis != "negative_tier" and more[axis].notna().any()]
        keys = [*axes, "split", "metric"]
        by_key = harder.set_index(keys, drop=False)
        for _, first in more.iterrows():
            if tuple(first[keys]) in by_key.index:
                rows.append(
                    {
                        "tier": tier,
                        "control": control,
                        "metric": METRIC_NAMES[first.metric],
                        "split": SPLIT_NAMES[first.split],
                        "where": _where(first, held),
                        "more": cell(first),
                        "harder": cell(by_key.loc[tuple(first[keys])]),
                    }
                )
    return rows


def controls_of(tiers: dict[str, dict]) -> dict[str, str]:
    """Find the tiers that have a control: another that only matches their size, drawn from the whole pool."""
    return {
        tier["match_size_of"]: name
        for name, tier in tiers.items()
        if "match_size_of" in tier and set(tier) <= {"match_size_of", "seed", "exclude"}
    }


def _in_order(deltas: pd.DataFrame) -> pd.DataFrame:
    """Out of distribution first, since that is what a detector is for, and F1 before average precision."""
    rank = deltas.split.map({"test_ood": 0}).fillna(1) * len(METRICS) + deltas.metric.map(METRICS.index)
    comparisons = deltas.groupby(["vary", "baseline"], sort=False).ngroup()
    return deltas.assign(comparison=comparisons, rank=rank).sort_values(["comparison", "rank"], kind="stable")


def _axes(deltas: pd.DataFrame) -> list[str]:
    columns = list(deltas.columns)
    return columns[columns.index("baseline") + 1 : columns.index("split")]


def _held(part: pd.DataFrame, deltas: pd.DataFrame) -> list[str]:
    return [axis for axis in _axes(deltas) if deltas[axis].nunique() > 1 and part[axis].notna().any()]


def _named(row: pd.Series, held: list[str]) -> str:
    return f"{row.value} ({_where(row, held)})" if held else str(row.value)


def _where(row: pd.Series, held: list[str]) -> str:
    return ", ".join(str(row[axis]) for axis in held)


def _interval(row: pd.Series) -> str:
    return f" [{format_points(row.ci_low)}, {format_points(row.ci_high)}]"
