"""Describe in words what the differences show, by fixed rules."""

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import pandas as pd

from hardneg.common.display_names import METRIC_NAMES, SPLIT_NAMES
from hardneg.common.formatting import MINUS, format_number, format_points, quote_name
from hardneg.models.metrics import PROPORTIONS
from hardneg.report.questions import HEADLINES, Question, find_question
from hardneg.statistics.delta_table import axes_of, varying_axes

JUDGED = ("improves", "hurts")
NO_SPREAD = "no spread between runs, so no error to estimate"
# The keys of a tier that leave it a random sample of the whole pool.
CONTROL_KEYS = {"match_size_of", "seed", "exclude", "disjoint", "redraw"}

# A row of deltas.csv.
Row: TypeAlias = pd.Series | dict[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference as a table cell shows it.

    Attributes
    ----------
    value : the difference as a number, to sort by.
    difference, interval : in points, or in false positives per hour.
    verdict : with the effect of interest in the same unit.
    reason : why there is no verdict, or what limits an undecided difference; may be empty.
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
    """The findings of one comparison and metric: a row per value, a column per split and configuration.

    Attributes
    ----------
    comparison, question, metric : which findings.
    columns : the configurations of each split.
    rows : their cells are in the order of the splits, and within a split in that of its configurations.
    """

    comparison: str
    question: Question
    metric: str
    columns: dict[str, list[str]]
    rows: list[VerdictRow]

    @property
    def width(self) -> int:
        """The number of cells in a row."""
        return sum(len(names) for names in self.columns.values())


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


def summarize_first_comparison(deltas: pd.DataFrame, site: str = "") -> list[str]:
    """Summarize the first comparison in the headline metrics, per split: what helps, what hurts, what is open.

    Parameters
    ----------
    deltas : from :func:`hardneg.statistics.comparison.compare_runs`.
    site : the only site of the out-of-distribution test; empty if it has several.
    """
    places = {"test_ood": f", at {site}"} if site else {}
    first = deltas[(deltas.vary == deltas.vary.iloc[0]) & (deltas.baseline == deltas.baseline.iloc[0])]
    return [
        f"{SPLIT_NAMES[split]}{places.get(split, '')}: {_summarize_split(part, deltas)}"
        for split, part in _sort_by_importance(first).groupby("split", sort=False)
    ]


def _summarize_split(part: pd.DataFrame, deltas: pd.DataFrame) -> str:
    axes = _varying_axes(part, deltas)
    vary, baseline = part.vary.iloc[0].replace("_", " "), quote_name(part.baseline.iloc[0])
    judged = part[part.verdict.isin(JUDGED)]
    sentences = []
    if len(judged):
        effects = [
            f"{_name_with_configuration(row, axes)} {row.verdict} {name_in_text(row.metric)} by "
            f"{format_size(row)} {format_interval(row)}"
            for _, row in judged.iterrows()
        ]
        sentences.append(f"compared with {baseline}, {'; '.join(effects)}.")
    others = [name_in_text(metric) for metric in part.metric.unique() if metric not in set(judged.metric)]
    if others:
        start = "No" if judged.size else "no"
        sentences.append(f"{start} {vary} is judged better or worse than {baseline} in {join_names(others, 'or')}.")
    counts = part.verdict.value_counts()
    open_counts = {
        "too small to matter": counts.get("no effect larger than d", 0),
        "undecided": counts.get("undecided", 0),
        "without a verdict": counts.get("no verdict", 0),
    }
    rest = [f"{count} {'is' if count == 1 else 'are'} {text}" for text, count in open_counts.items() if count]
    if rest:
        sentences.append(f"Of {len(part)} differences, {join_names(rest, 'and')}.")
    return " ".join(sentences)


def build_verdict_tables(deltas: pd.DataFrame) -> list[VerdictTable]:
    """Arrange the differences in the headline metrics, one table per comparison and metric, by question."""
    tables = []
    for (vary, baseline, metric), part in _sort_by_question(deltas).groupby(["vary", "baseline", "metric"], sort=False):
        axes = _varying_axes(part, deltas)
        cells: dict[tuple[str, str, str], Finding] = {}
        columns: dict[str, dict[str, None]] = {}
        for _, row in part.iterrows():
            split, configuration = SPLIT_NAMES[row.split], _configuration(row, axes)
            cells[str(row["value"]), split, configuration] = describe_difference(row)
            columns.setdefault(split, {})[configuration] = None
        rows = [
            VerdictRow(value, [cells.get((value, split, name)) for split, names in columns.items() for name in names])
            for value in dict.fromkeys(value for value, _, _ in cells)
        ]
        comparison = f"{vary.replace('_', ' ').capitalize()} compared with {quote_name(baseline)}"
        shown_columns = {split: list(names) for split, names in columns.items()}
        tables.append(VerdictTable(comparison, find_question(metric), METRIC_NAMES[metric], shown_columns, rows))
    return tables


def describe_difference(row: Row) -> Finding:
    """Describe one row of the table of differences; see :class:`Finding`."""
    return Finding(
        value=row["difference"],
        difference=format_difference(row, unit=False),
        interval=format_interval(row),
        verdict=format_verdict(row),
        reason=explain_verdict(row),
    )


def explain_verdict(row: Row) -> str:
    """Explain why there is no verdict, or what limits an undecided difference; empty for the other verdicts."""
    if row["verdict"] == "no verdict":
        reason = row.get("reason")
        return str(reason) if isinstance(reason, str) and reason else "one seed" if row["n"] == 1 else NO_SPREAD
    if row["verdict"] != "undecided":
        return ""
    reasons = ["not after adjustment"] if row["ci_low"] > 0 or row["ci_high"] < 0 else []
    limit = row.get("limited_by")
    if limit == "seeds":
        reasons += _describe_seeds_needed(row)
    elif isinstance(limit, str) and limit:
        reasons.append(f"needs more {limit}")
    return ", ".join(reasons)


def _describe_seeds_needed(row: Row) -> list[str]:
    """Write how many seeds would decide, with the limits of that number; empty if there are enough already."""
    if row["seeds_needed"] <= row["n"]:
        return []
    seeds = f"needs {format_number(row['seeds_needed'], 0)} seeds"
    low, high = row.get("seeds_needed_low", math.nan), row.get("seeds_needed_high", math.nan)
    if pd.isna(low):
        return [seeds]
    upper = f"to {format_number(high, 0)}" if high < math.inf else "or more"
    return [f"{seeds} ({format_number(low, 0)} {upper})"]


def format_verdict(row: Row, unit: bool = False) -> str:
    """Write the verdict with the effect of interest for its ``d``: in points, or in false positives per hour."""
    bound = f"{_scale(row) * row['effect_of_interest']:g}{_unit(row) if unit else ''}"
    return str(row["verdict"]).replace("larger than d", f"larger than {bound}")


def format_difference(row: Row, unit: bool = True) -> str:
    """Write a difference in points, or as a number of false positives per hour."""
    return _format_signed(row, "difference") + (_unit(row) if unit and not pd.isna(row["difference"]) else "")


def format_interval(row: Row) -> str:
    """Write the interval of a difference in the unit of the difference; empty if there is none."""
    if pd.isna(row["ci_low"]):
        return ""
    return f"[{_format_signed(row, 'ci_low')}, {_format_signed(row, 'ci_high')}]"


def format_size(row: Row) -> str:
    """Write the size of a difference, without its sign."""
    return format_difference(row).lstrip("+" + MINUS)


def name_in_text(metric: str) -> str:
    """Name a metric within a sentence."""
    name = METRIC_NAMES[metric]
    return name if name[:2].isupper() else name[0].lower() + name[1:]


def join_names(names: list[str], word: str) -> str:
    """Join names to a list in a sentence, with `word` before the last one."""
    return f" {word} ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def _format_signed(row: Row, column: str) -> str:
    return format_points(row[column] * _scale(row) / 100)


def _scale(row: Row) -> int:
    return 100 if row["metric"] in PROPORTIONS else 1


def _unit(row: Row) -> str:
    return " points" if row["metric"] in PROPORTIONS else ""


def separate_hardness_from_size(
    deltas: pd.DataFrame, controls: dict[str, list[str]], none: str
) -> list[HardnessEffect]:
    """Separate what a tier's hardness does from what its size does.

    Parameters
    ----------
    deltas : with comparisons against `none` and against each control.
    controls : the controls of equal size of each tier that has any; see :func:`find_controls`.
    none : the tier without mined negatives.

    Returns
    -------
    One effect per tier and control, split, metric and configuration.
    """
    tiers = _sort_by_importance(deltas[deltas.vary == "negative_tier"])
    effects = []
    for tier, control in ((tier, control) for tier, names in controls.items() for control in names):
        from_size = tiers[(tiers.value == control) & (tiers.baseline == none)]
        from_hardness = tiers[(tiers.value == tier) & (tiers.baseline == control)]
        varying = _varying_axes(from_size, deltas)
        axes = [axis for axis in axes_of(deltas) if axis != "negative_tier" and from_size[axis].notna().any()]
        keys = [*axes, "split", "metric"]
        of_hardness = {
            key: row for key, (_, row) in zip(_list_cells(from_hardness, keys), from_hardness.iterrows(), strict=True)
        }
        effects += [
            HardnessEffect(
                tier=tier,
                control=control,
                metric=METRIC_NAMES[row.metric],
                split=SPLIT_NAMES[row.split],
                configuration=_configuration(row, varying),
                size_effect=describe_difference(row),
                hardness_effect=describe_difference(of_hardness[key]),
            )
            for key, (_, row) in zip(_list_cells(from_size, keys), from_size.iterrows(), strict=True)
            if key in of_hardness
        ]
    return effects


def _list_cells(table: pd.DataFrame, columns: list[str]) -> list[tuple[Any, ...]]:
    return list(table[columns].itertuples(index=False, name=None))


def find_controls(tiers: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    """Find the controls of each tier that has any: tiers of the same size, drawn at random from the whole pool."""
    controls: dict[str, list[str]] = {}
    for name, tier in tiers.items():
        if "match_size_of" in tier and set(tier) <= CONTROL_KEYS:
            controls.setdefault(tier["match_size_of"], []).append(name)
    return controls


def _sort_by_importance(deltas: pd.DataFrame) -> pd.DataFrame:
    """Select the headline metrics, and put out of distribution first, because a detector is used there."""
    deltas = deltas[deltas.metric.isin(HEADLINES)]
    rank = deltas.split.map({"test_ood": 0}).fillna(1) * len(HEADLINES) + deltas.metric.map(HEADLINES.index)
    return _sort(deltas, rank)


def _sort_by_question(deltas: pd.DataFrame) -> pd.DataFrame:
    """Select the headline metrics in the order of their questions, each out of distribution first."""
    deltas = deltas[deltas.metric.isin(HEADLINES)]
    return _sort(deltas, 2 * deltas.metric.map(HEADLINES.index) + deltas.split.map({"test_ood": 0}).fillna(1))


def _sort(deltas: pd.DataFrame, rank: pd.Series) -> pd.DataFrame:
    comparisons = deltas.groupby(["vary", "baseline"], sort=False).ngroup()
    return deltas.assign(comparison=comparisons, rank=rank).sort_values(["comparison", "rank"], kind="stable")


def _varying_axes(part: pd.DataFrame, deltas: pd.DataFrame) -> list[str]:
    return [axis for axis in varying_axes(deltas) if part[axis].notna().any()]


def _name_with_configuration(row: pd.Series, axes: list[str]) -> str:
    return f"{row['value']} ({_configuration(row, axes)})" if axes else str(row["value"])


def _configuration(row: pd.Series, axes: list[str]) -> str:
    return ", ".join(str(row[axis]) for axis in axes)
