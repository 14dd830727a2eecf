"""Collect what the runs measured into one table."""

import os

import pandas as pd

from hardneg.common import tables

COUNTS = ("train_positives", "train_negatives", "train_mined", "tier_files", "best_epoch")


def collect(metrics_paths: list[str | os.PathLike], model_paths: list[str | os.PathLike]) -> pd.DataFrame:
    """Put the metrics of all runs together.

    Parameters
    ----------
    metrics_paths, model_paths : of each run, in the same order: its metrics per split and its model's description.

    Returns
    -------
    One row per run and split: the run's axes and seed, what it was trained on (windows of each kind, mined files in
    its tier), and the metrics.
    """
    parts = []
    for metrics_path, model_path in zip(metrics_paths, model_paths, strict=True):
        model = tables.read_json(model_path)
        about = model["run"] | {name: model["counts"][name] for name in COUNTS}
        measured = tables.read(metrics_path)
        parts.append(pd.concat([pd.DataFrame([about] * len(measured)), measured], axis=1))
    return pd.concat(parts, ignore_index=True)


def collect_breakdowns(paths: list[str | os.PathLike], runs: list[dict]) -> pd.DataFrame:
    """Put the breakdowns of all runs together, each with its run's axes and seed."""
    parts = [tables.read(path).assign(**run) for path, run in zip(paths, runs, strict=True)]
    table = pd.concat(parts, ignore_index=True)
    return table[[*runs[0], *table.columns.difference(list(runs[0]), sort=False)]]
