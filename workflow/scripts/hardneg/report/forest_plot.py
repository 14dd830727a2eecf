"""The forest plot: every difference from one baseline with its interval, and the seeds behind it."""

import pandas as pd
from matplotlib.figure import Figure

from hardneg.common.display_names import METRIC_NAMES, SPLIT_NAMES
from hardneg.report.figures import COLOURS
from hardneg.statistics import delta_table

METRICS = ("f1", "average_precision")
SEED = {"marker": "o", "linestyle": "none", "color": "#777777", "fillstyle": "none", "markersize": 3.5}
VERDICT_COLOURS = {
    "improves": COLOURS[2],
    "hurts": COLOURS[1],
    "no effect larger than d": "#888888",
    "undecided": "#222222",
}


def forest(deltas: pd.DataFrame, pairs: pd.DataFrame, vary: str, baseline: str) -> tuple[Figure, pd.DataFrame]:
    """Draw the differences of one comparison on both test splits, in points.

    Parameters
    ----------
    deltas : from :func:`hardneg.statistics.comparison.compare`.
    pairs : from :func:`hardneg.statistics.comparison.pair_runs`: the difference of each seed.
    vary, baseline : which comparison.
    """
    deltas = deltas[(deltas.vary == vary) & (deltas.baseline == baseline) & deltas.metric.isin(METRICS)]
    pairs = pairs[(pairs.vary == vary) & (pairs.baseline == baseline)]
    held = delta_table.varying_axes(deltas)
    keys = [*held, "value"]
    rows = deltas[keys].drop_duplicates().reset_index(drop=True)
    splits = list(pd.unique(deltas.split))
    figure = Figure(figsize=(10, 0.8 + len(METRICS) * (0.6 + 0.24 * len(rows))))
    panels = figure.subplots(len(METRICS), len(splits), sharey=True, squeeze=False)
    for line, metric in zip(panels, METRICS, strict=True):
        for panel, split in zip(line, splits, strict=True):
            here = (deltas.split == split) & (deltas.metric == metric)
            seeds = pairs[(pairs.split == split) & (pairs.metric == metric)].merge(rows.reset_index(), on=keys)
            panel.axvline(0, color="#444444", linewidth=0.8)
            bound = 100 * deltas[here].effect_of_interest.iloc[0]
            panel.axvspan(-bound, bound, color="#f1f1f1", zorder=0)
            panel.plot(
                100 * seeds.change, seeds["index"], "o", color="#777777", fillstyle="none", markersize=3.5, zorder=3
            )
            for place, row in rows.merge(deltas[here], on=keys, how="left").iterrows():
                colour = VERDICT_COLOURS.get(row.verdict, "#222222")
                panel.plot([100 * row.ci_low, 100 * row.ci_high], [place, place], color=colour, linewidth=1.6)
                panel.plot(100 * row.difference, place, "D", color=colour, markersize=4.5)
            panel.set_title(f"{METRIC_NAMES[metric]}, {SPLIT_NAMES[split]}", fontsize=9)
            panel.grid(axis="y", visible=False)
    names = [", ".join(map(str, (row.value, *[row[axis] for axis in held]))) for _, row in rows.iterrows()]
    panels[0][0].set_yticks(range(len(rows)), names)
    panels[0][0].set_ylim(len(rows) - 0.5, -0.5)
    for panel in panels[-1]:
        panel.set_xlabel(f"Difference from {baseline} (points)")
    for verdict, colour in VERDICT_COLOURS.items():
        panels[0][0].plot([], [], "D-", color=colour, markersize=4.5, label=verdict)
    panels[0][0].plot([], [], label="one seed", **SEED)
    figure.legend(loc="outside lower center", ncols=5, frameon=False)
    return figure, deltas
