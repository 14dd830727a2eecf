"""Collect the measurements of all runs into tables."""

import os
from collections.abc import Mapping, Sequence

import pandas as pd

from hardneg.common import tables

COUNTS = (
    "labelled_positives",
    "labelled_negatives",
    "reviewed",
    "mined",
    "tier_files",
    "tier_files_used",
    "labelled_hash",
    "training_hash",
    "steps",
    "best_epoch",
    "warning",
)
"""What a run was trained on, as its model.json counts it.

The first four count windows by origin. ``tier_files`` are the files of the tier. ``tier_files_used`` are those of which
a window was drawn for a batch, up to the epoch whose weights are kept. Runs with one ``labelled_hash`` share all
labeled windows, and runs with one ``training_hash`` share all windows. ``steps`` are the optimization steps of the
whole schedule.
"""


def collect_runs(
    metrics_paths: Sequence[str | os.PathLike[str]], model_paths: Sequence[str | os.PathLike[str]]
) -> pd.DataFrame:
    """Collect the metrics of all runs.

    Parameters
    ----------
    metrics_paths, model_paths : the metrics and the model description of each run, in the same order.

    Returns
    -------
    One row per run and split: the run's axes and seed, what it was trained on (windows of each kind, files in its
    tier), and the metrics.
    """
    parts = []
    for metrics_path, model_path in zip(metrics_paths, model_paths, strict=True):
        model = tables.read_json(model_path)
        run = model["run"] | {name: model["counts"][name] for name in COUNTS}
        metrics = tables.read(metrics_path)
        parts.append(pd.concat([pd.DataFrame([run] * len(metrics)), metrics], axis=1))
    return pd.concat(parts, ignore_index=True)


def collect_breakdowns(paths: Sequence[str | os.PathLike[str]], runs: Sequence[Mapping[str, str]]) -> pd.DataFrame:
    """Collect the breakdowns of all runs, each with the axes and seed of its run.

    Parameters
    ----------
    paths, runs : the breakdown of each run, and its axes and seed, in the same order.
    """
    parts = [tables.read(path).assign(**run) for path, run in zip(paths, runs, strict=True)]
    table = pd.concat(parts, ignore_index=True)
    axes = list(runs[0])
    return table[[*axes, *table.columns.difference(axes, sort=False)]]
