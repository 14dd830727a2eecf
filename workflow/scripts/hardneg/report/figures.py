"""The figures of the report. Each is drawn from one table, which is kept beside it."""

from dataclasses import asdict

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hardneg.common.display_names import METRIC_NAMES, SPLIT_NAMES
from hardneg.models import metrics

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
# Okabe and Ito's colours, which colour-blind readers can tell apart.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000", "#999999"]
METRICS_SHOWN = ["average_precision", "f1", "precision", "recall"]


def metrics_by(runs: pd.DataFrame, x: str, hue: str) -> tuple[Figure, pd.DataFrame]:
    """Each metric by the values of one axis, a colour for each value of another; dots are runs, bars their means.

    Parameters
    ----------
    runs : one row per run and split.
    x, hue : axes of the matrix, in the order in which their values are to stand.

    Returns
    -------
    The figure and the numbers in it: ``split, metric,`` the two axes, ``seed, score``.
    """
    splits = [split for split in SPLIT_NAMES if split in set(runs.split) and split != "val"]
    figure = Figure(figsize=(10, 2.1 * len(METRICS_SHOWN) + 0.6))
    panels = figure.subplots(len(METRICS_SHOWN), len(splits), sharex=True, sharey="row", squeeze=False)
    values, hues = list(pd.unique(runs[x])), list(pd.unique(runs[hue]))
    for column, split in enumerate(splits):
        rows = runs[runs.split == split]
        for row, metric in enumerate(METRICS_SHOWN):
            panel = panels[row, column]
            for place, kind in enumerate(hues):
                _dots(panel, rows[rows[hue] == kind], x, values, metric, place, len(hues), str(kind))
            if column == 0:
                panel.set_ylabel(METRIC_NAMES[metric])
            if row == 0:
                panel.set_title(SPLIT_NAMES[split])
            panel.set_xticks(
                range(len(values)), [str(value) for value in values], rotation=0 if len(values) < 7 else 40
            )
            panel.grid(axis="x", visible=False)
    for panel in panels[-1]:
        panel.set_xlabel(x.replace("_", " "))
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(
        handles, labels, title=hue.replace("_", " "), loc="outside lower center", ncols=len(hues), frameon=False
    )
    numbers = runs[runs.split.isin(splits)].melt(["split", hue, x, "seed"], METRICS_SHOWN, "metric", "score")
    return figure, numbers


def precision_recall(scores: pd.DataFrame, colour_by: str) -> tuple[Figure, pd.DataFrame]:
    """Precision-recall curves of every run on each test split, with each run's frozen threshold marked.

    Parameters
    ----------
    scores : file scores of all runs: ``run, split, label, confidence, threshold`` and the axis `colour_by`.
    """
    splits = [split for split in ("test_iid", "test_ood") if split in set(scores.split)]
    kinds = list(pd.unique(scores[colour_by]))
    figure, numbers = Figure(figsize=(10, 4.4)), []
    panels = figure.subplots(1, len(splits), sharey=True, squeeze=False)[0]
    for panel, split in zip(panels, splits, strict=True):
        for run, files in scores[scores.split == split].groupby("run", sort=False):
            kind, threshold = files[colour_by].iloc[0], files.threshold.iloc[0]
            colour = COLOURS[kinds.index(kind) % len(COLOURS)]
            cuts, tp, fp = metrics.operating_points(files.label.to_numpy(), files.confidence.to_numpy())
            precision, recall = tp / (tp + fp), tp / max(tp[-1], 1)
            outline = np.append(0, recall), np.append(precision[0], precision)
            panel.step(*outline, where="pre", color=colour, alpha=0.55, linewidth=1)
            place = max(int(np.sum(cuts >= threshold)) - 1, 0)
            panel.plot(
                recall[place], precision[place], "o", color=colour, markersize=4, markeredgecolor="white", zorder=3
            )
            curve = {"precision": precision, "recall": recall, "threshold": cuts}
            numbers.append(pd.DataFrame(asdict(curve)).assign(split=split, run=run))
        prevalence = scores[scores.split == split].label.mean()
        panel.axhline(prevalence, color="#888888", linestyle=":", linewidth=1)
        panel.annotate(f"prevalence {prevalence:.2f}", (0.01, prevalence), va="bottom", color="#666666", fontsize=8)
        panel.set(title=SPLIT_NAMES[split], xlabel="Recall", xlim=(0, 1.01), ylim=(0, 1.02))
    panels[0].set_ylabel("Precision")
    for place, kind in enumerate(kinds):
        panels[0].plot([], [], color=COLOURS[place % len(COLOURS)], label=str(kind))
    title = colour_by.replace("_", " ")
    figure.legend(title=title, loc="outside lower center", ncols=min(len(kinds), 8), frameon=False)
    return figure, pd.concat(numbers, ignore_index=True)


def reliability(scores: pd.DataFrame, colour_by: str, bins: int) -> tuple[Figure, pd.DataFrame]:
    """How often a file of a given confidence is positive, all runs of one value of an axis together.

    Parameters
    ----------
    scores : file scores of all runs: ``split, label, confidence`` and the axis `colour_by`.
    bins : of equal width.
    """
    splits = [split for split in ("test_iid", "test_ood") if split in set(scores.split)]
    kinds, numbers = list(pd.unique(scores[colour_by])), []
    figure = Figure(figsize=(10, 4.4))
    panels = figure.subplots(1, len(splits), sharey=True, squeeze=False)[0]
    for panel, split in zip(panels, splits, strict=True):
        panel.plot([0, 1], [0, 1], color="#888888", linestyle=":", linewidth=1)
        for place, kind in enumerate(kinds):
            files = scores[(scores.split == split) & (scores[colour_by] == kind)]
            curve = metrics.reliability_curve(files.label.to_numpy(), files.confidence.to_numpy(), bins)
            colour = COLOURS[place % len(COLOURS)]
            panel.plot(curve.confidence, curve.frequency, "o-", color=colour, markersize=3.5, label=str(kind))
            numbers.append(pd.DataFrame(asdict(curve)).assign(split=split, **{colour_by: kind}))
        panel.set(title=SPLIT_NAMES[split], xlabel="Mean confidence in the bin", xlim=(0, 1), ylim=(0, 1.02))
    panels[0].set_ylabel("Share of positives")
    title = colour_by.replace("_", " ")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, title=title, loc="outside lower center", ncols=min(len(kinds), 8), frameon=False)
    return figure, pd.concat(numbers, ignore_index=True)


def pool_scores(scores: pd.DataFrame, tiers: dict[str, pd.DataFrame]) -> tuple[Figure, pd.DataFrame]:
    """Histogram of the pool's file confidences, and what each tier takes of it.

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
    for place, (name, tier) in enumerate(tiers.items()):
        colour = COLOURS[place % len(COLOURS)]
        lower.plot(tier.confidence, np.full(len(tier), place), "|", color=colour, markersize=9, alpha=0.5)
        if len(tier):
            for cut in (tier.confidence.min(), tier.confidence.max()):
                lower.plot([cut, cut], [place - 0.35, place + 0.35], color=colour, linewidth=2)
        held, _ = np.histogram(tier.confidence, edges)
        numbers.append(pd.DataFrame({"tier": name, "from": edges[:-1], "to": edges[1:], "files": held}))
    lower.set_yticks(range(len(tiers)), [f"{name} ({len(tier)})" for name, tier in tiers.items()])
    lower.set(xlabel="Highest confidence in the file", ylim=(len(tiers) - 0.4, -0.6))
    lower.grid(axis="y", visible=False)
    return figure, pd.concat(numbers, ignore_index=True)


def training_curves(histories: pd.DataFrame, colour_by: str) -> tuple[Figure, pd.DataFrame]:
    """Loss and validation average precision by epoch, one line per run, its best epoch marked.

    Parameters
    ----------
    histories : ``run, epoch, loss, validation_average_precision`` and the axis `colour_by`.
    """
    kinds = list(pd.unique(histories[colour_by]))
    figure = Figure(figsize=(10, 3.8))
    panels = figure.subplots(1, 2)
    for _, history in histories.groupby("run", sort=False):
        colour = COLOURS[kinds.index(history[colour_by].iloc[0]) % len(COLOURS)]
        best = history.loc[history.validation_average_precision.idxmax()]
        panels[0].plot(history.epoch, history.loss, color=colour, alpha=0.5, linewidth=1)
        panels[1].plot(history.epoch, history.validation_average_precision, color=colour, alpha=0.5, linewidth=1)
        panels[1].plot(
            best.epoch, best.validation_average_precision, "o", color=colour, markersize=4, markeredgecolor="white"
        )
    panels[0].set(xlabel="Epoch", ylabel="Training loss")
    panels[1].set(xlabel="Epoch", ylabel="Validation average precision")
    for place, kind in enumerate(kinds):
        panels[0].plot([], [], color=COLOURS[place % len(COLOURS)], label=str(kind))
    title = colour_by.replace("_", " ")
    figure.legend(title=title, loc="outside lower center", ncols=min(len(kinds), 8), frameon=False)
    return figure, histories


def _dots(panel: Axes, rows, x, values, metric, place, hues, label) -> None:
    offset = (place - (hues - 1) / 2) * min(0.8 / hues, 0.25)
    colour = COLOURS[place % len(COLOURS)]
    positions = rows[x].map(values.index) + offset
    panel.plot(positions, rows[metric], "o", color=colour, markersize=4, alpha=0.6, markeredgewidth=0, label=label)
    for value, mean in rows.groupby(x)[metric].mean().items():
        centre = values.index(value) + offset
        panel.plot([centre - 0.09, centre + 0.09], [mean, mean], color=colour, linewidth=2.2, solid_capstyle="butt")
