"""Measure all runs, and collect the measurements into tables."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import pandas as pd

from hardneg.common import tables
from hardneg.common.errors import InputError
from hardneg.experiments.evaluation import EvaluationSettings, break_down_detections, measure_splits
from hardneg.experiments.run_description import RunDescription, read_reason_left_out


@dataclass(frozen=True, slots=True)
class RunTables:
    """The measurements of all runs.

    Attributes
    ----------
    runs : one row per run and split: the run's axes and seed, its
        :class:`~hardneg.experiments.run_description.RunCounts`, and the metrics.
    breakdown : the rows of :func:`hardneg.experiments.evaluation.break_down_detections`, with the run's axes and seed.
    """

    runs: pd.DataFrame
    breakdown: pd.DataFrame


def collect_runs(
    score_paths: Sequence[str | os.PathLike[str]],
    model_paths: Sequence[str | os.PathLike[str]],
    runs: Sequence[Mapping[str, str]],
    settings: EvaluationSettings,
) -> RunTables:
    """Measure the stored scores of all runs, except those that are left out because their tier has no file.

    Parameters
    ----------
    score_paths, model_paths, runs : the file scores, the model description, and the axes and seed of each run, in the
        same order.
    settings : how the scores are measured.

    Raises
    ------
    InputError
        If every run is left out.
    """
    rows, breakdowns = [], []
    for score_path, model_path, run in zip(score_paths, model_paths, runs, strict=True):
        if read_reason_left_out(model_path):
            continue
        description, scores = RunDescription.read(model_path), tables.read(score_path)
        metrics = measure_splits(scores, settings)
        facts = pd.DataFrame([{**description.run, **asdict(description.counts)}] * len(metrics))
        rows.append(pd.concat([facts, metrics], axis=1))
        breakdowns.append(break_down_detections(scores, metrics.threshold.iloc[0]).assign(**run))
    if not rows:
        raise InputError("Every run of the matrix is left out because its tier has no file: change negative_tiers.")
    breakdown = pd.concat(breakdowns, ignore_index=True)
    axes = list(runs[0])
    return RunTables(
        pd.concat(rows, ignore_index=True), breakdown[[*axes, *breakdown.columns.difference(axes, sort=False)]]
    )
