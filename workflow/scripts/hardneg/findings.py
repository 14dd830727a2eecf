"""Say in words what the differences show, by fixed rules."""

import pandas as pd

from hardneg.names import METRIC_NAMES, SPLIT_NAMES
from hardneg.text import number, points

METRICS = ("f1", "average_precision")
ORDER = ("improves", "hurts", "no effect larger than d", "undecided")


def in_short(deltas: pd.DataFrame) -> list[str]:
    """The first comparison's differences in F1, one sentence per split: what helps, what hurts, what is open."""
    first = deltas[(deltas.vary == deltas.vary.iloc[0]) & (deltas.baseline == deltas.baseline.iloc[0])]
    first = _in_order(first[first.metric == METRICS[0]])
    sentences = []
    for split, part in first.groupby("split", sort=False):
        held = _held(part, deltas)
        counts = part.verdict.value_counts()
        told = [_named(row, held) + f" {row.verdict} by {points(abs(row.difference))[1:]} points" + _interval(row)
                for _, row in part[part.verdict.isin(["improves", "hurts"])].iterrows()]  # fmt: skip
        vary, baseline = part.vary.iloc[0].replace("_", " "), part.baseline.iloc[0]
        text = "; ".join(told) if told else f"no {vary} can be told from {baseline}"
        without, open_ = counts.get("no effect larger than d", 0), counts.get("undecided", 0)
        bound = f"{100 * part.effect_of_interest.iloc[0]:g} points"
        rest = f"Of {len(part)} differences {without} are no larger than {bound} and {open_} are undecided."
        sentences.append(f"{SPLIT_NAMES[split]}, F1 against {baseline}: {text}. {rest}")
    return sentences


def by_verdict(deltas: pd.DataFrame) -> list[dict]:
    """Group the differences of each comparison, split and metric by their verdict.

    Returns
    -------
    Blocks with ``title`` and ``lines``; a line has ``verdict`` and ``text``, the values with their differences.
    """
    blocks = []
    shown = _in_order(deltas[deltas.metric.isin(METRICS)])
    for (vary, baseline, split, metric), part in shown.groupby(["vary", "baseline", "split", "metric"], sort=False):
        held = _held(part, deltas)
        lines = []
        for verdict in ORDER:
            rows = part[part.verdict == verdict]
            if len(rows):
                bound = f"{100 * rows.effect_of_interest.iloc[0]:g} points"
                lines.append(
                    {
                        "verdict": verdict.replace("larger than d", f"larger than {bound}"),
                        "text": "; ".join(_one(row, held) for _, row in rows.iterrows()),
                    }
                )
        title = f"{METRIC_NAMES[metric]}, {SPLIT_NAMES[split]}, {vary.replace('_', ' ')} against {baseline}"
        blocks.append({"title": title, "lines": lines})
    return blocks


def harder_or_more(deltas: pd.DataFrame, controls: dict[str, str], none: str) -> list[str]:
    """Part what a tier does into what as many random negatives do, and what hardness adds to that.

    Parameters
    ----------
    deltas : with comparisons against `none` and against each control.
    controls : the control of equal size of each tier that has one.
    none : the tier without mined negatives.

    Returns
    -------
    One sentence per tier with a control, configuration, split and metric.
    """
    tiers = _in_order(deltas[(deltas.vary == "negative_tier") & deltas.metric.isin(METRICS)])
    sentences = []
    for tier, control in controls.items():
        more = tiers[(tiers.value == control) & (tiers.baseline == none)]
        harder = tiers[(tiers.value == tier) & (tiers.baseline == control)]
        held = _held(more, deltas)
        axes = [axis for axis in ("positive_subset", "validation") if axis in deltas]
        for (_, first), (_, second) in _aligned(more, harder, [*axes, "split", "metric"]):
            where = ", ".join(f"{axis.replace('_', ' ')} {first[axis]}" for axis in held)
            sentences.append(
                f"{METRIC_NAMES[first.metric]}, {SPLIT_NAMES[first.split]}{f', {where}' if where else ''}: "
                f"as many negatives at random ({control}) did {_effect(first)}; "
                f"the hardness of {tier}, at equal size, added {_effect(second)}."
            )
    return sentences


def controls_of(tiers: dict[str, dict]) -> dict[str, str]:
    """Find the tiers that have a control: another that only matches their size, drawn from the whole pool."""
    return {tier["match"]: name for name, tier in tiers.items() if "match" in tier and set(tier) <= {"match", "seed"}}


def _in_order(deltas: pd.DataFrame) -> pd.DataFrame:
    """Out of distribution first, since that is what a detector is for, and F1 before average precision."""
    rank = deltas.split.map({"test_ood": 0}).fillna(1) * len(METRICS) + deltas.metric.map(METRICS.index)
    comparisons = deltas.groupby(["vary", "baseline"], sort=False).ngroup()
    return deltas.assign(comparison=comparisons, rank=rank).sort_values(["comparison", "rank"], kind="stable")


def _aligned(first: pd.DataFrame, second: pd.DataFrame, keys: list[str]):
    both = second.set_index(keys)
    for place, row in first.iterrows():
        key = tuple(row[keys])
        if key in both.index:
            yield (place, row), (key, both.loc[key])


def _held(part: pd.DataFrame, deltas: pd.DataFrame) -> list[str]:
    columns = list(deltas.columns)
    between = columns[columns.index("baseline") + 1 : columns.index("split")]
    return [axis for axis in between if deltas[axis].nunique() > 1 and part[axis].notna().any()]


def _one(row: pd.Series, held: list[str]) -> str:
    text = f"{_named(row, held)} {points(row.difference)}{_interval(row)}"
    if row.verdict != "undecided" or not row.seeds_needed > row.n:
        return text
    if row.seeds_needed == float("inf"):
        return f"{text}, more test nights would be needed"
    return f"{text}, about {number(row.seeds_needed, 0)} seeds would decide"


def _named(row: pd.Series, held: list[str]) -> str:
    where = ", ".join(str(row[axis]) for axis in held)
    return f"{row.value} ({where})" if where else str(row.value)


def _interval(row: pd.Series) -> str:
    return f" [{points(row.ci_low)}, {points(row.ci_high)}]"


def _effect(row: pd.Series) -> str:
    interval = f"{points(row.difference)} points{_interval(row)}"
    words = {
        "improves": "which is more than chance",
        "hurts": "which is worse, and more than chance",
        "no effect larger than d": f"which is no effect larger than {100 * row.effect_of_interest:g} points",
        "undecided": "which is undecided",
    }
    return f"{interval}, {words[row.verdict]}"
