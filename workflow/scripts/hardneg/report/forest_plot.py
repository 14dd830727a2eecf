"""Draw differences from one baseline with their intervals: an overview, and forest plots with the seeds behind them."""

import textwrap
from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hardneg.common.display_names import METRIC_NAMES, SPLIT_NAMES
from hardneg.recordings.manifest import TEST_SPLITS
from hardneg.report.figures import COLORS, Drawing
from hardneg.report.questions import HEADLINES
from hardneg.statistics.delta_table import varying_axes

SEED: dict[str, Any] = {"marker": "o", "linestyle": "none", "color": "#777777", "fillstyle": "none", "markersize": 3.5}
UNDECIDED_COLOR, CONTROL_COLOR = "#222222", "#aaaaaa"
OVERVIEW_SPLITS = ("test_ood", "test_iid")
SPLIT_WIDTH = 14
LABEL_HEIGHT = 1.25  # of the name of a split, with its margins (inches)
TITLE_WIDTH = 26  # characters
VERDICT_COLORS = {
    "improves": COLORS[2],
    "hurts": COLORS[1],
    "no effect larger than d": "#888888",
    "undecided": UNDECIDED_COLOR,
    "no verdict": UNDECIDED_COLOR,
}


def draw_forest(deltas: pd.DataFrame, pairs: pd.DataFrame, vary: str, baseline: str) -> Drawing:
    """Draw the differences of one comparison on the test splits, in points. Open diamonds have no verdict.

    Parameters
    ----------
    deltas : from :func:`hardneg.statistics.comparison.compare_runs`.
    pairs : from :func:`hardneg.statistics.run_pairs.pair_all`: the difference of each seed.
    vary, baseline : which comparison. Without its runs, the figure is one line of text.
    """
    deltas = deltas[(deltas.vary == vary) & (deltas.baseline == baseline) & deltas.split.isin(TEST_SPLITS)]
    deltas = deltas[deltas.metric.isin(HEADLINES)]
    pairs = pairs[(pairs.vary == vary) & (pairs.baseline == baseline)]
    if deltas.empty:
        return _draw_nothing(vary, baseline), deltas
    axes = varying_axes(deltas)
    rows = deltas[[*axes, "value"]].drop_duplicates().reset_index(drop=True)
    splits = sorted(pd.unique(deltas.split), key=lambda split: split != "test_ood")
    metrics = [metric for metric in HEADLINES if metric in set(deltas.metric)]
    figure = Figure(figsize=(10, 0.8 + len(metrics) * (0.6 + 0.24 * len(rows))))
    panels = figure.subplots(len(metrics), len(splits), sharey=True, squeeze=False)
    for line, metric in zip(panels, metrics, strict=True):
        for panel, split in zip(line, splits, strict=True):
            cells = deltas[(deltas.split == split) & (deltas.metric == metric)]
            seeds = pairs[(pairs.split == split) & (pairs.metric == metric)]
            _draw_differences(panel, rows, cells, seeds)
            heading = f"{SPLIT_NAMES[split]}\n\n" if metric == metrics[0] else ""
            panel.set_title(f"{heading}{METRIC_NAMES[metric]}", fontsize=9)
    first = panels[0][0]
    names = [", ".join(map(str, (row["value"], *row[axes]))) for _, row in rows.iterrows()]
    first.set_yticks(range(len(rows)), names)
    first.set_ylim(len(rows) - 0.5, -0.5)
    for panel in panels[-1]:
        panel.set_xlabel(f"Difference from {baseline} (points)")
    for verdict in VERDICT_COLORS:
        first.plot([], [], "D" if verdict == "no verdict" else "D-", label=verdict, **_diamond(verdict))
    first.plot([], [], label="one seed", **SEED)
    figure.legend(loc="outside lower center", ncols=6, frameon=False)
    return figure, deltas


def draw_overview(deltas: pd.DataFrame, vary: str, baseline: str, controls: Collection[str]) -> Drawing:
    """Draw the differences of one comparison in few panels: a row for each split, a column for each headline metric.

    Within a line of a tier there is one mark for each configuration. Controls are gray.

    Parameters
    ----------
    deltas : from :func:`hardneg.statistics.comparison.compare_runs`.
    vary, baseline : which comparison. Without its runs, the figure is one line of text.
    controls : values of `vary` that are drawn at random.
    """
    shown = (deltas.vary == vary) & (deltas.baseline == baseline) & deltas.split.isin(OVERVIEW_SPLITS)
    deltas = deltas[shown & deltas.metric.isin(HEADLINES)]
    if deltas.empty:
        return _draw_nothing(vary, baseline), deltas
    axes, values = varying_axes(deltas), list(pd.unique(deltas.value))
    configurations = deltas[axes].drop_duplicates().reset_index(drop=True).reset_index(names="place")
    splits = [split for split in OVERVIEW_SPLITS if split in set(deltas.split)]
    metrics = [metric for metric in HEADLINES if metric in set(deltas.metric)]
    offsets = np.linspace(-0.3, 0.3, len(configurations)) if len(configurations) > 1 else [0.0]
    row_height = max(0.55 + len(values) * max(0.22, 0.09 * len(configurations)), LABEL_HEIGHT)
    figure = Figure(figsize=(10, 0.7 + len(splits) * row_height))
    panels = figure.subplots(len(splits), len(metrics), sharey=True, sharex="col", squeeze=False)
    for line, split in zip(panels, splits, strict=True):
        for panel, metric in zip(line, metrics, strict=True):
            cells = deltas[(deltas.split == split) & (deltas.metric == metric)]
            cells = cells.merge(configurations, on=axes) if axes else cells.assign(place=0)
            _draw_bound(panel, cells)
            for cell in cells.itertuples():
                color = CONTROL_COLOR if cell.value in controls else VERDICT_COLORS.get(cell.verdict, UNDECIDED_COLOR)
                height = values.index(cell.value) + offsets[cell.place]
                panel.plot([100 * cell.ci_low, 100 * cell.ci_high], [height, height], color=color, linewidth=1.4)
                panel.plot(100 * cell.difference, height, "D", color=color, markersize=3.5)
            if split == splits[0]:
                panel.set_title(textwrap.fill(METRIC_NAMES[metric], TITLE_WIDTH), fontsize=9)
            panel.grid(axis="y", visible=False)
        line[0].set_ylabel(textwrap.fill(SPLIT_NAMES[split], SPLIT_WIDTH))
    panels[0][0].set_yticks(range(len(values)), values)
    panels[0][0].set_ylim(len(values) - 0.5, -0.5)
    for panel in panels[-1]:
        panel.set_xlabel(f"Difference from {baseline}\n(points)")
    present = set(deltas.verdict[~deltas.value.isin(controls)])
    for label, color in (*VERDICT_COLORS.items(), ("control", CONTROL_COLOR)):
        if label in present or (label == "control" and set(controls) & set(values)):
            panels[0][0].plot([], [], "D-", color=color, markersize=3.5, label=label)
    figure.legend(loc="outside lower center", ncols=6, frameon=False)
    return figure, deltas


def _draw_nothing(vary: str, baseline: str) -> Figure:
    """Draw one line of text in place of the plot of a comparison whose runs are left out."""
    figure = Figure(figsize=(10, 0.5))
    text = f"Nothing is compared with {vary.replace('_', ' ')} {baseline}: it has no runs, or nothing else has any."
    figure.text(0.01, 0.5, text, va="center")
    return figure


def _draw_differences(panel: Axes, rows: pd.DataFrame, cells: pd.DataFrame, seeds: pd.DataFrame) -> None:
    keys = list(rows.columns)
    _draw_bound(panel, cells)
    positions = seeds.merge(rows.reset_index(), on=keys)
    panel.plot(100 * positions.change, positions["index"], zorder=3, **SEED)
    for position, row in rows.merge(cells, on=keys, how="left").iterrows():
        diamond = _diamond(row.verdict)
        panel.plot([100 * row.ci_low, 100 * row.ci_high], [position, position], color=diamond["color"], linewidth=1.6)
        panel.plot(100 * row.difference, position, "D", **diamond)
    panel.grid(axis="y", visible=False)


def _draw_bound(panel: Axes, cells: pd.DataFrame) -> None:
    """Mark no difference, and the differences that are too small to matter."""
    panel.axvline(0, color="#444444", linewidth=0.8)
    if len(cells):
        bound = 100 * cells.effect_of_interest.iloc[0]
        panel.axvspan(-bound, bound, color="#f1f1f1", zorder=0)


def _diamond(verdict: str) -> dict[str, Any]:
    style = {"color": VERDICT_COLORS.get(verdict, UNDECIDED_COLOR), "markersize": 4.5}
    return style | {"fillstyle": "none"} if verdict == "no verdict" else style
