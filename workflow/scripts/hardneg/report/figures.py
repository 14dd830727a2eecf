"""Draw the figures of the report. Each is drawn from one table, which is stored beside it."""

import warnings
from dataclasses import asdict
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
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
REFERENCE_COLOR = "#888888"
RECALL_STEPS = 101
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
    """Draw the precision at each recall: for each value of an axis, the median over its runs and their range.

    Each value has a column of panels. The median of the first value is repeated in all of them, in gray.

    Parameters
    ----------
    scores : file scores of all runs: ``run, split, label, confidence, threshold`` and the axis `color_by`.
    """
    splits = [split for split in TEST_SPLITS if split in set(scores.split)]
    recall = np.linspace(0, 1, RECALL_STEPS)
    figure, panels, values = _make_columns(scores, color_by, [SPLIT_NAMES[split] for split in splits])
    numbers = []
    for line, split in zip(panels, splits, strict=True):
        files = scores[scores.split == split]
        reference = None
        for index, (panel, value) in enumerate(zip(line, values, strict=True)):
            runs = files[files[color_by] == value].groupby("run", sort=False)
            traced = [_trace_precision(run, recall) for _, run in runs]
            if traced:
                band = _summarize([precision for precision, _ in traced])
                reference = band if reference is None else reference
                _draw_band(panel, recall, band, reference, _color(index))
                for precision, reached in (point for _, point in traced if point is not None):
                    panel.plot(reached, precision, color=_color(index), zorder=3, **MARKED)
                points = pd.DataFrame(band, index=["lowest", "median", "highest"]).T.assign(recall=recall)
                numbers.append(points.assign(split=split, runs=len(traced), **{color_by: value}))
            panel.axhline(files.label.mean(), **DOTTED)
            panel.set(xlim=(0, 1.02), ylim=(0, 1.03))
    figure.supxlabel("Recall", fontsize=9)
    return figure, pd.concat(numbers, ignore_index=True)


def _trace_precision(
    files: pd.DataFrame, recall: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], tuple[float, float] | None]:
    """Compute a run's precision at each recall, and its precision and recall at the frozen threshold.

    Without a flagged file, there is no such point.
    """
    curve = trace_ranking_curve(files.label.to_numpy(), files.confidence.to_numpy())
    precision, reached = curve.tp / (curve.tp + curve.fp), curve.tp / max(curve.tp[-1], 1)
    at = np.minimum(np.searchsorted(reached, recall - 1e-9), len(reached) - 1)
    flagged = int(np.sum(curve.thresholds >= files.threshold.iloc[0]))
    return precision[at], (precision[flagged - 1], reached[flagged - 1]) if flagged else None


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
    """Draw loss and validation average precision by epoch: for each value of an axis, the median and range of its runs.

    Each value has a column of panels. The median of the first value is repeated in all of them, in gray.

    Parameters
    ----------
    histories : ``run, epoch, loss, validation_average_precision, kept`` and the axis `color_by`.
    """
    measures = {"loss": "Training loss", "validation_average_precision": "Average precision\non validation"}
    figure, panels, values = _make_columns(histories, color_by, list(measures.values()))
    for line, measure in zip(panels, measures, strict=True):
        reference = None
        for index, (panel, value) in enumerate(zip(line, values, strict=True)):
            runs = histories[histories[color_by] == value].pivot(index="epoch", columns="run", values=measure)
            band = _summarize(list(runs.to_numpy().T))
            reference = (runs.index, band) if reference is None else reference
            panel.plot(reference[0], reference[1][1], color=REFERENCE_COLOR, linewidth=1)
            _draw_band(panel, runs.index.to_numpy(), band, None, _color(index))
    figure.supxlabel("Epoch", fontsize=9)
    return figure, histories


Band = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]


def _make_columns(table: pd.DataFrame, axis: str, rows: list[str]) -> tuple[Figure, npt.NDArray[Any], list[str]]:
    """Make a grid of panels: a column for each value of an axis, and a row for each label."""
    values = list(pd.unique(table[axis]))
    figure = Figure(figsize=(max(10, 1.3 * len(values)), 0.6 + 1.7 * len(rows)))
    panels = figure.subplots(len(rows), len(values), sharex=True, sharey="row", squeeze=False)
    for panel, value in zip(panels[0], values, strict=True):
        panel.set_title(str(value), fontsize=9)
    for panel, label in zip(panels[:, 0], rows, strict=True):
        panel.set_ylabel(label.replace(" (", "\n("))
    return figure, panels, values


def _summarize(curves: list[npt.NDArray[np.float64]]) -> Band:
    """Return the lowest, the median and the highest of several curves; missing values are left out."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="All-NaN")
        lowest, median, highest = np.nanmin(curves, axis=0), np.nanmedian(curves, axis=0), np.nanmax(curves, axis=0)
    return lowest, median, highest


def _draw_band(panel: Axes, x: npt.NDArray[Any], band: Band, reference: Band | None, color: str) -> None:
    if reference is not None:
        panel.plot(x, reference[1], color=REFERENCE_COLOR, linewidth=1)
    panel.fill_between(x, band[0], band[2], color=color, alpha=0.25, linewidth=0)
    panel.plot(x, band[1], color=color, linewidth=1.4)


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


def _draw_legend(figure: Figure, panel: Axes, axis: str) -> None:
    handles, labels = panel.get_legend_handles_labels()
    columns = min(len(handles), 8)
    figure.legend(handles, labels, title=_title(axis), loc="outside lower center", ncols=columns, frameon=False)


def _color(index: int) -> str:
    return COLORS[index % len(COLORS)]


def _title(axis: str) -> str:
    return axis.replace("_", " ").capitalize()
