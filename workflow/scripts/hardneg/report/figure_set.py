"""Draw and keep all the figures of a report."""

import pandas as pd
from matplotlib.figure import Figure

from hardneg.common import tables
from hardneg.common.files import atomic_write
from hardneg.report import figures
from hardneg.report.forest_plot import forest


def draw(
    runs: pd.DataFrame,
    scores: pd.DataFrame,
    histories: pd.DataFrame,
    pool: pd.DataFrame,
    tiers: dict[str, pd.DataFrame],
    deltas: pd.DataFrame,
    pairs: pd.DataFrame,
    bins: int,
) -> dict[str, tuple[Figure, pd.DataFrame]]:
    """Draw every figure; see :mod:`hardneg.report.figures`.

    Parameters
    ----------
    runs : one row per run and split.
    scores, histories : of every run, with its axes and its name as ``run``.
    pool : file scores of the pool.
    tiers : the files of each tier.
    deltas, pairs : the comparisons, and the differences of each seed.
    bins : of the reliability plot.

    Returns
    -------
    Each figure and its numbers, by name.
    """
    axes = ["positive_subset", "negative_tier", "validation", "seed"]
    keys = [axis for axis in histories.columns if axis in runs.columns]
    thresholds = runs.astype(dict.fromkeys(keys, str)).drop_duplicates(keys)[[*keys, "threshold"]]
    scores = scores.merge(thresholds, on=keys, validate="m:1")
    told = [axis for axis in ("positive_subset", "validation") if runs[axis].nunique() > 1] or ["positive_subset"]
    hue = " and ".join(told)
    shown = runs.assign(**{hue: runs[told].astype(str).agg(", ".join, axis=1)})
    comparisons = deltas[["vary", "baseline"]].drop_duplicates().itertuples(index=False)
    forests = {f"forest_{place}": forest(deltas, pairs, *which) for place, which in enumerate(comparisons, start=1)}
    return forests | {
        "metrics": figures.metrics_by(shown, "negative_tier", hue),
        "precision_recall": figures.precision_recall(scores, axes[1]),
        "reliability": figures.reliability(scores, axes[1], bins),
        "pool_scores": figures.pool_scores(pool, tiers),
        "training_curves": figures.training_curves(histories, axes[1]),
    }


def save(drawn: dict[str, tuple[Figure, pd.DataFrame]], paths: dict[str, str]) -> None:
    """Write each figure to ``paths[name]`` (SVG) and its numbers to ``paths[name + "_numbers"]`` (CSV)."""
    for name, (figure, numbers) in drawn.items():
        with atomic_write(paths[name]) as draft:
            figure.savefig(draft, format="svg", metadata={"Date": None})
        tables.write(numbers, paths[f"{name}_numbers"])
