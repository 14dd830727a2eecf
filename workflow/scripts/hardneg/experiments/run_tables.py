"""Collect the measurements of all runs into tables."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import pandas as pd

from hardneg.common import tables
from hardneg.experiments.run_description import RunDescription


def collect_runs(
    metrics_paths: Sequence[str | os.PathLike[str]], model_paths: Sequence[str | os.PathLike[str]]
) -> pd.DataFrame:
    """Collect the metrics of all runs.

    Parameters
    ----------
    metrics_paths, model_paths : the metrics and the model description of each run, in the same order.

    Returns
    -------
    One row per run and split: the run's axes and seed, its :class:`~hardneg.experiments.run_description.RunCounts`, and
    the metrics.
    """
    parts = []
    for metrics_path, model_path in zip(metrics_paths, model_paths, strict=True):
        description = RunDescription.read(model_path)
        run = {**description.run, **asdict(description.counts)}
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
