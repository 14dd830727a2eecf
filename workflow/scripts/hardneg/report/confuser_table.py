"""Which false alarms each tier removes: a table and a figure by kind of sound."""

from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from hardneg.common.formatting import format_number
from hardneg.report.figures import COLORS, Drawing
from hardneg.statistics.confusers import ALL, FEWER, MORE, RESULT_COLUMNS

SHOWN_KINDS = 10
KEYS = ["value", "baseline", "cluster", "name", "name_share"]


@dataclass(frozen=True, slots=True)
class ConfuserCell:
    """The false positives of one kind with one tier.

    Attributes
    ----------
    rate : false positives per hour.
    difference, interval : from the baseline.
    change : ``fewer``, ``more`` or ``no clear change``.
    """

    rate: float
    difference: str
    interval: str
    change: str


@dataclass(frozen=True, slots=True)
class ConfuserRow:
    """One kind of sound.

    Attributes
    ----------
    name : of the kind.
    files : files of the held-out pool.
    baseline : false positives per hour without mined negatives.
    cells : one per tier of the table.
    example, start_s : where to listen.
    """

    name: str
    files: int
    baseline: float
    cells: list[ConfuserCell]
    example: str
    start_s: float


@dataclass(frozen=True, slots=True)
class ConfuserTable:
    """The kinds with the most false positives in one configuration, and all kinds together in the last row."""

    configuration: str
    baseline: str
    tiers: list[str]
    rows: list[ConfuserRow]
    hidden: int


def build_confuser_tables(confusers: pd.DataFrame) -> list[ConfuserTable]:
    """Arrange the comparison, one table per configuration of the other axes.

    Parameters
    ----------
    confusers : from :func:`hardneg.statistics.confusers.compare_confusers`, with or without names.
    """
    axes = [column for column in confusers.columns if column not in (*KEYS, *RESULT_COLUMNS)]
    varying = [axis for axis in axes if confusers[axis].nunique() > 1]
    tables = []
    for key, part in confusers.groupby(varying or ["baseline"], sort=False):
        tiers = list(part["value"].astype(str).unique())
        kinds = _rank_kinds(part)
        shown = [*kinds[:SHOWN_KINDS], ALL]
        rows = [_build_row(part[part.cluster.astype(str) == kind], tiers) for kind in shown]
        configuration = ", ".join(map(str, key)) if varying else ""
        tables.append(ConfuserTable(configuration, str(part.baseline.iloc[0]), tiers, rows, len(kinds) - SHOWN_KINDS))
    return tables


def draw_confusers(confusers: pd.DataFrame) -> Drawing:
    """Draw the false positives per hour of each kind, with each tier and without, one panel per configuration.

    Filled dots differ from the baseline, open dots do not.

    Returns
    -------
    The figure and the numbers in it.
    """
    axes = [column for column in confusers.columns if column not in (*KEYS, *RESULT_COLUMNS)]
    varying = [axis for axis in axes if confusers[axis].nunique() > 1]
    groups = list(confusers.groupby(varying or ["baseline"], sort=False))
    kinds = _rank_kinds(confusers)[:SHOWN_KINDS]
    figure = Figure(figsize=(10, 1.4 + 0.34 * len(kinds)))
    panels = figure.subplots(1, max(len(groups), 1), sharex=True, sharey=True, squeeze=False)[0]
    for panel, (key, part) in zip(panels, groups, strict=False):
        tiers = list(part["value"].astype(str).unique())
        for position, kind in enumerate(kinds):
            rows = part[part.cluster.astype(str) == kind]
            rows = rows.set_index(rows["value"].astype(str))
            baseline = rows.false_positives_per_hour_baseline.iloc[0]
            panel.plot(baseline, position, "|", color="black", markersize=14, markeredgewidth=2, zorder=2)
            for number, tier in enumerate(tiers):
                row = rows.loc[tier]
                offset = (number - (len(tiers) - 1) / 2) * 0.6 / max(len(tiers), 1)
                style = "full" if row.change in (FEWER, MORE) else "none"
                rate = row.false_positives_per_hour
                color = COLORS[number % len(COLORS)]
                panel.plot(rate, position + offset, "o", color=color, fillstyle=style, markersize=5, zorder=3)
        panel.set_yticks(range(len(kinds)), [_name_kind(confusers, kind) for kind in kinds])
        panel.set_ylim(max(len(kinds), 1) - 0.5, -0.5)
        panel.set_xlabel("False positives per hour")
        if varying:
            panel.set_title(", ".join(map(str, key)))
    for number, tier in enumerate(confusers["value"].astype(str).unique()):
        panels[0].plot([], [], "o", color=COLORS[number % len(COLORS)], label=tier)
    for baseline in confusers.baseline.unique():
        panels[0].plot([], [], "|", color="black", markersize=12, markeredgewidth=2, label=str(baseline))
    figure.legend(loc="outside lower center", ncols=6, frameon=False)
    return figure, confusers


def _rank_kinds(confusers: pd.DataFrame) -> list[str]:
    """List the kinds that have any false positive, those with the most first."""
    single = confusers[confusers.cluster.astype(str) != ALL]
    most = (
        single.assign(cluster=single.cluster.astype(str))
        .groupby("cluster")[["false_positives_per_hour_baseline", "false_positives_per_hour"]]
        .max()
        .max(axis=1)
    )
    return list(most[most > 0].sort_values(ascending=False, kind="stable").index)


def _build_row(rows: pd.DataFrame, tiers: list[str]) -> ConfuserRow:
    by_tier = rows.set_index(rows["value"].astype(str))
    first = rows.iloc[0]
    cells = [
        ConfuserCell(
            rate=float(by_tier.false_positives_per_hour[tier]),
            difference=_format_signed(by_tier.difference[tier]),
            interval=_format_interval(by_tier.ci_low[tier], by_tier.ci_high[tier]),
            change=str(by_tier.change[tier]),
        )
        for tier in tiers
    ]
    return ConfuserRow(
        name=_name_kind(rows, str(first.cluster)),
        files=int(first.files),
        baseline=float(first.false_positives_per_hour_baseline),
        cells=cells,
        example=str(first.example),
        start_s=float(first.start_s),
    )


def _name_kind(confusers: pd.DataFrame, kind: str) -> str:
    if kind == ALL:
        return "all sounds"
    if "name" not in confusers:
        return f"cluster {kind}"
    row = confusers[confusers.cluster.astype(str) == kind].iloc[0]
    if pd.isna(row["name"]):
        return f"cluster {kind}"
    name = str(row["name"]).split("_")[-1] if " " in str(row["name"]) else str(row["name"]).replace("_", " ")
    return f"{name} ({100 * row.name_share:.0f} % of cluster {kind})"


def _format_signed(number: float) -> str:
    return f"{'+' if number > 0 else ''}{format_number(number, 1)}"


def _format_interval(low: float, high: float) -> str:
    return "" if pd.isna(low) else f"[{_format_signed(low)}, {_format_signed(high)}]"
