"""Draw the figures of the report. Each is drawn from one table, which is stored beside it."""

from dataclasses import asdict
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hardneg.common.display_names import METRIC_NAMES, SPLIT_NAMES
from hardneg.models import metrics
from hardneg.models.metrics import SUMMARY_METRICS
from hardneg.models.ranking_curves import trace_ranking_curve
from hardneg.recordings.manifest import TEST_SPLITS

matplotlib.use("Agg")
matplotlib.rcParams |= {
    "font.size": 9,
    "font.family": "DejaVu Sans",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "axes.axisbelow": True,
    "svg.fonttype": "none",
    "svg.hashsalt": "hardneg",
    "figure.constrained_layout.use": True,
}
# The colors of Okabe and Ito, which color-blind readers can distinguish.
COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000", "#999999"]
DOTTED: dict[str, Any] = {"color": "#888888", "linestyle": ":", "linewidth": 1}
MARKED: dict[str, Any] = {"marker": "o", "markersize": 4, "markeredgecolor": "white"}
Drawing = tuple[Figure, pd.DataFrame]


def draw_metrics(runs: pd.DataFrame, x: str, hue: str) -> Drawing:
    """Draw each metric by the values of one axis, with a color for each value of another. Dots are runs, bars means.

    Parameters
    ----------
    runs : one row per run and split.
    x, hue : axes of the matrix, their values in the order in which to draw them.

    Returns
    -------
    The figure and the numbers in it: ``split, metric,`` the two axes, ``seed, score``.
    """
    splits = [split for split in TEST_SPLITS if split in set(runs.split)]
    figure = Figure(figsize=(10, 2.1 * len(SUMMARY_METRICS) + 0.6))
    panels = figure.subplots(len(SUMMARY_METRICS), len(splits), sharex=True, sharey="row", squeeze=False)
    values, hues = list(pd.unique(runs[x])), list(pd.unique(runs[hue]))
    for column, split in enumerate(splits):
        panels[0, column].set_title(SPLIT_NAMES[split])
        rows = runs[runs.split == split]
        for panel, metric in zip(panels[:, column], SUMMARY_METRICS, strict=True):
            for index, name in enumerate(hues):
                offset = (index - (len(hues) - 1) / 2) * min(0.8 / len(hues), 0.25)
                _draw_runs(panel, rows[rows[hue] == name], x, values, metric, offset, _color(index), str(name))
            panel.set_xticks(range(len(values)), [str(value) for value in values], rotation=40 * (len(values) >= 7))
            panel.grid(axis="x", visible=False)
    for panel, metric in zip(panels[:, 0], SUMMARY_METRICS, strict=True):
        panel.set_ylabel(METRIC_NAMES[metric])
    for panel in panels[-1]:
        panel.set_xlabel(_title(x))
    _draw_legend(figure, panels[0, 0], hue)
    numbers = runs[runs.split.isin(splits)].melt(["split", hue, x, "seed"], list(SUMMARY_METRICS), "metric", "score")
    return figure, numbers


def draw_precision_recall(scores: pd.DataFrame, color_by: str) -> Drawing:
    """Draw the precision-recall curve of every run on each test split, and mark the frozen threshold.

    Parameters
    ----------
    scores : file scores of all runs: ``run, split, label, confidence, threshold`` and the axis `color_by`.
    """
    figure, panels, splits = _one_panel_per_split(scores)
    values, numbers = list(pd.unique(scores[color_by])), []
    for panel, split in zip(panels, splits, strict=True):
        for run, files in scores[scores.split == split].groupby("run", sort=False):
            color = _color(values.index(files[color_by].iloc[0]))
            curve = trace_ranking_curve(files.label.to_numpy(), files.confidence.to_numpy())
            precision, recall = curve.tp / (curve.tp + curve.fp), curve.tp / max(curve.tp[-1], 1)
            steps = np.append(0, recall), np.append(precision[0], precision)
            panel.step(*steps, where="pre", color=color, alpha=0.55, linewidth=1)
            flagged = int(np.sum(curve.thresholds >= files.threshold.iloc[0]))
            if flagged:  # Without a flagged file, precision is missing.
                panel.plot(recall[flagged - 1], precision[flagged - 1], color=color, zorder=3, **MARKED)
            points = pd.DataFrame({"precision": precision, "recall": recall, "threshold": curve.thresholds})
            numbers.append(points.assign(split=split, run=run))
        prevalence = scores[scores.split == split].label.mean()
        panel.axhline(prevalence, **DOTTED)
        text = f"share of positives {prevalence:.2f}"
        panel.annotate(text, (0.01, prevalence), va="bottom", color="#666666", fontsize=8)
        panel.set(title=SPLIT_NAMES[split], xlabel="Recall", xlim=(0, 1.01), ylim=(0, 1.02))
    panels[0].set_ylabel("Precision")
    _label_colors(panels[0], values)
    _draw_legend(figure, panels[0], color_by)
    return figure, pd.concat(numbers, ignore_index=True)


def draw_reliability(scores: pd.DataFrame, color_by: str, bins: int) -> Drawing:
    """Draw how often a file of a given confidence is positive, over all runs of each value of an axis.

    Parameters
    ----------
    scores : file scores of all runs: ``split, label, confidence`` and the axis `color_by`.
    bins : number of bins, of equal width.
    """
    figure, panels, splits = _one_panel_per_split(scores)
    numbers = []
    for panel, split in zip(panels, splits, strict=True):
        panel.plot([0, 1], [0, 1], **DOTTED)
        for index, value in enumerate(pd.unique(scores[color_by])):
            files = scores[(scores.split == split) & (scores[color_by] == value)]
            curve = metrics.measure_reliability(files.label.to_numpy(), files.confidence.to_numpy(), bins)
            panel.plot(curve.confidence, curve.frequency, "o-", color=_color(index), markersize=3.5, label=str(value))
            numbers.append(pd.DataFrame(asdict(curve)).assign(split=split, **{color_by: value}))
        panel.set(title=SPLIT_NAMES[split], xlabel="Confidence (mean of the bin)", xlim=(0, 1), ylim=(0, 1.02))
    panels[0].set_ylabel("Share of files that are positive")
    _draw_legend(figure, panels[0], color_by)
    return figure, pd.concat(numbers, ignore_index=True)


def draw_pool_scores(scores: pd.DataFrame, tiers: dict[str, pd.DataFrame]) -> Drawing:
    """Draw a histogram of the pool's file confidences, and the files of each tier.

    Parameters
    ----------
    scores : ``confidence`` of every file of the pool.
    tiers : the files of each tier, with ``confidence``.
    """
    edges = np.linspace(0, 1, 51)
    figure = Figure(figsize=(10, 3.0 + 0.32 * len(tiers)))
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, max(0.45 * len(tiers), 0.6)])
    counts, _ = np.histogram(scores.confidence, edges)
    upper.bar(edges[:-1], counts, width=0.02, align="edge", color="#9bb7c9")
    upper.set(yscale="log", ylabel="Files of the pool", xlim=(0, 1))
    numbers = [pd.DataFrame({"tier": "pool", "from": edges[:-1], "to": edges[1:], "files": counts})]
    for row, (name, files) in enumerate(tiers.items()):
        color = _color(row)
        lower.plot(files.confidence, np.full(len(files), row), "|", color=color, markersize=9, alpha=0.5)
        if len(files):
            for limit in (files.confidence.min(), files.confidence.max()):
                lower.plot([limit, limit], [row - 0.35, row + 0.35], color=color, linewidth=2)
        counts, _ = np.histogram(files.confidence, edges)
        numbers.append(pd.DataFrame({"tier": name, "from": edges[:-1], "to": edges[1:], "files": counts}))
    lower.set_yticks(range(len(tiers)), [f"{name} ({len(files)} files)" for name, files in tiers.items()])
    lower.set(xlabel="Confidence of the file (its highest window)", ylim=(len(tiers) - 0.4, -0.6))
    lower.grid(axis="y", visible=False)
    return figure, pd.concat(numbers, ignore_index=True)


def draw_training_curves(histories: pd.DataFrame, color_by: str) -> Drawing:
    """Draw loss and validation average precision by epoch, one line per run, and mark the epoch that each run keeps.

    Parameters
    ----------
    histories : ``run, epoch, loss, validation_average_precision, kept`` and the axis `color_by`.
    """
    values = list(pd.unique(histories[color_by]))
    figure = Figure(figsize=(10, 3.8))
    losses, scores = figure.subplots(1, 2)
    for _, history in histories.groupby("run", sort=False):
        color = _color(values.index(history[color_by].iloc[0]))
        losses.plot(history.epoch, history.loss, color=color, alpha=0.5, linewidth=1)
        scores.plot(history.epoch, history.validation_average_precision, color=color, alpha=0.5, linewidth=1)
        kept = history[history.kept]
        scores.plot(kept.epoch, kept.validation_average_precision, color=color, **MARKED)
    losses.set(xlabel="Epoch", ylabel="Training loss")
    scores.set(xlabel="Epoch", ylabel="Average precision on validation")
    _label_colors(losses, values)
    _draw_legend(figure, losses, color_by)
    return figure, histories


def _one_panel_per_split(scores: pd.DataFrame) -> tuple[Figure, list[Axes], list[str]]:
    splits = [split for split in TEST_SPLITS if split in set(scores.split)]
    figure = Figure(figsize=(10, 4.4))
    return figure, list(figure.subplots(1, len(splits), sharey=True, squeeze=False)[0]), splits


def _draw_runs(
    panel: Axes, runs: pd.DataFrame, x: str, values: list[str], metric: str, offset: float, color: str, label: str
) -> None:
    positions = runs[x].map(values.index) + offset
    panel.plot(positions, runs[metric], "o", color=color, markersize=4, alpha=0.6, markeredgewidth=0, label=label)
    for value, mean in runs.groupby(x)[metric].mean().items():
        center = values.index(value) + offset
        panel.plot([center - 0.09, center + 0.09], [mean, mean], color=color, linewidth=2.2, solid_capstyle="butt")


def _label_colors(panel: Axes, values: list[str]) -> None:
    for index, value in enumerate(values):
        panel.plot([], [], color=_color(index), label=str(value))


def _draw_legend(figure: Figure, panel: Axes, axis: str) -> None:
    handles, labels = panel.get_legend_handles_labels()
    columns = min(len(handles), 8)
    figure.legend(handles, labels, title=_title(axis), loc="outside lower center", ncols=columns, frameon=False)


def _color(index: int) -> str:
    return COLORS[index % len(COLORS)]


def _title(axis: str) -> str:
    return axis.replace("_", " ").capitalize()
