"""Draw and save all the figures of a report."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd

from hardneg.common import tables
from hardneg.common.files import atomic_write
from hardneg.report import figures
from hardneg.report.confuser_table import draw_confusers
from hardneg.report.figures import Drawing
from hardneg.report.forest_plot import draw_forest, draw_overview


def draw_figures(
    runs: pd.DataFrame,
    scores: pd.DataFrame,
    histories: pd.DataFrame,
    pool: pd.DataFrame,
    tiers: dict[str, pd.DataFrame],
    deltas: pd.DataFrame,
    pairs: pd.DataFrame,
    comparisons: Sequence[Mapping[str, Any]],
    bins: int,
    confusers: pd.DataFrame | None = None,
    controls: Collection[str] = (),
) -> dict[str, Drawing]:
    """Draw every figure; see :mod:`hardneg.report.figures`.

    Parameters
    ----------
    runs : one row per run and split.
    scores, histories : of every run, with its axes and its name as ``run``; see :func:`read_runs`.
    pool : file scores of the pool.
    tiers : the files of each tier.
    deltas, pairs : the differences, and those of each seed.
    comparisons : the ``vary`` and ``baseline`` of each forest plot. The overview shows the first.
    bins : of the reliability figure.
    confusers : from :func:`hardneg.statistics.confusers.compare_confusers`, if the pool was tested.
    controls : tiers that are drawn at random.

    Returns
    -------
    Each figure and its numbers, by name.
    """
    keys = [axis for axis in histories.columns if axis in runs.columns]
    thresholds = runs.astype(dict.fromkeys(keys, str)).drop_duplicates(keys)[[*keys, "threshold"]]
    scores = scores.merge(thresholds, on=keys, validate="m:1")
    varying = [axis for axis in ("positive_subset", "validation") if runs[axis].nunique() > 1] or ["positive_subset"]
    hue = " and ".join(varying)
    runs_with_hue = runs.assign(**{hue: runs[varying].astype(str).agg(", ".join, axis=1)})
    forests = {
        f"forest_{number}": draw_forest(deltas, pairs, comparison["vary"], str(comparison["baseline"]))
        for number, comparison in enumerate(comparisons, start=1)
    }
    first = comparisons[0]
    overview = draw_overview(deltas, first["vary"], str(first["baseline"]), controls)
    by_kind = {"confuser_rates": draw_confusers(confusers)} if confusers is not None else {}
    return (
        {"overview": overview}
        | forests
        | by_kind
        | {
            "metrics": figures.draw_metrics(runs_with_hue, "negative_tier", hue),
            "precision_recall": figures.draw_precision_recall(scores, "negative_tier"),
            "reliability": figures.draw_reliability(scores, "negative_tier", bins),
            "pool_scores": figures.draw_pool_scores(pool, tiers),
            "training_curves": figures.draw_training_curves(histories, "negative_tier"),
        }
    )


def save_figures(drawings: dict[str, Drawing], paths: Mapping[str, str]) -> None:
    """Write each figure to ``paths[name]`` (SVG) and its numbers to ``paths[name + "_numbers"]`` (CSV)."""
    for name, (figure, numbers) in drawings.items():
        with atomic_write(paths[name]) as draft:
            figure.savefig(draft, format="svg", metadata={"Date": None})
        tables.write(numbers, paths[f"{name}_numbers"])


def read_runs(paths: list[str], runs: list[dict[str, Any]]) -> pd.DataFrame:
    """Concatenate one table of each run, with the run's axes as columns and its name as ``run``.

    Parameters
    ----------
    paths : a table of each run; without rows if the run is left out.
    runs : the axes and seed of each run.
    """
    parts = [
        tables.read(path).assign(**axes, run=" ".join(map(str, axes.values())))
        for path, axes in zip(paths, runs, strict=True)
    ]
    return pd.concat([part for part in parts if len(part)], ignore_index=True)
