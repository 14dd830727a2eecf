"""Draw the forest plot: every difference from one baseline with its interval, and the seeds behind it."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hardneg.common.display_names import METRIC_NAMES, SPLIT_NAMES
from hardneg.recordings.manifest import TEST_SPLITS
from hardneg.report.figures import COLORS, Drawing
from hardneg.report.questions import HEADLINES
from hardneg.statistics.delta_table import varying_axes

SEED: dict[str, Any] = {"marker": "o", "linestyle": "none", "color": "#777777", "fillstyle": "none", "markersize": 3.5}
UNDECIDED_COLOR = "#222222"
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


def _draw_nothing(vary: str, baseline: str) -> Figure:
    """Draw one line of text in place of the plot of a comparison whose runs are left out."""
    figure = Figure(figsize=(10, 0.5))
    text = f"Nothing is compared with {vary.replace('_', ' ')} {baseline}: it has no runs, or nothing else has any."
    figure.text(0.01, 0.5, text, va="center")
    return figure


def _draw_differences(panel: Axes, rows: pd.DataFrame, cells: pd.DataFrame, seeds: pd.DataFrame) -> None:
    keys = list(rows.columns)
    panel.axvline(0, color="#444444", linewidth=0.8)
    bound = 100 * cells.effect_of_interest.iloc[0]
    panel.axvspan(-bound, bound, color="#f1f1f1", zorder=0)
    positions = seeds.merge(rows.reset_index(), on=keys)
    panel.plot(100 * positions.change, positions["index"], zorder=3, **SEED)
    for position, row in rows.merge(cells, on=keys, how="left").iterrows():
        diamond = _diamond(row.verdict)
        panel.plot([100 * row.ci_low, 100 * row.ci_high], [position, position], color=diamond["color"], linewidth=1.6)
        panel.plot(100 * row.difference, position, "D", **diamond)
    panel.grid(axis="y", visible=False)


def _diamond(verdict: str) -> dict[str, Any]:
    style = {"color": VERDICT_COLORS.get(verdict, UNDECIDED_COLOR), "markersize": 4.5}
    return style | {"fillstyle": "none"} if verdict == "no verdict" else style
