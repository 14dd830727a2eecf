"""Collect the measurements of all runs into tables."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import pandas as pd

from hardneg.common import tables
from hardneg.common.errors import InputError
from hardneg.experiments.run_description import RunDescription, read_reason_left_out


def collect_runs(
    metrics_paths: Sequence[str | os.PathLike[str]], model_paths: Sequence[str | os.PathLike[str]]
) -> pd.DataFrame:
    """Collect the metrics of all runs, except those that are left out because their tier has no file.

    Parameters
    ----------
    metrics_paths, model_paths : the metrics and the model description of each run, in the same order.

    Returns
    -------
    One row per run and split: the run's axes and seed, its :class:`~hardneg.experiments.run_description.RunCounts`, and
    the metrics.

    Raises
    ------
    InputError
        If every run is left out.
    """
    parts = []
    for metrics_path, model_path in zip(metrics_paths, model_paths, strict=True):
        if read_reason_left_out(model_path):
            continue
        description = RunDescription.read(model_path)
        run = {**description.run, **asdict(description.counts)}
        metrics = tables.read(metrics_path)
        parts.append(pd.concat([pd.DataFrame([run] * len(metrics)), metrics], axis=1))
    if not parts:
        raise InputError("Every run of the matrix is left out because its tier has no file: change negative_tiers.")
    return pd.concat(parts, ignore_index=True)


def collect_breakdowns(paths: Sequence[str | os.PathLike[str]], runs: Sequence[Mapping[str, str]]) -> pd.DataFrame:
    """Collect the breakdowns of all runs, each with the axes and seed of its run.

    Parameters
    ----------
    paths, runs : the breakdown of each run, and its axes and seed, in the same order. The breakdown of a run that is
        left out has no row.
    """
    parts = [tables.read(path).assign(**run) for path, run in zip(paths, runs, strict=True)]
    table = pd.concat([part for part in parts if len(part)], ignore_index=True)
    axes = list(runs[0])
    return table[[*axes, *table.columns.difference(axes, sort=False)]]
