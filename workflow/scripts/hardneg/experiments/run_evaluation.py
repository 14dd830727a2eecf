"""Evaluate one run of the matrix, from files to files."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from hardneg.common import tables
from hardneg.experiments import evaluation
from hardneg.experiments.run_description import read_reason_left_out
from hardneg.models import checkpoints
from hardneg.models.thresholds import ThresholdRule


@dataclass(frozen=True, slots=True)
class EvaluationInputs:
    """Paths of what an evaluation reads.

    Attributes
    ----------
    model : the weights of the run. Its description is the file beside them.
    validation_scores : of the run.
    recordings, index, pool, pool_index : see :func:`hardneg.experiments.evaluation.read_test_files`.
    """

    model: str
    validation_scores: str
    recordings: str
    index: str
    pool: str = ""
    pool_index: str = ""


@dataclass(frozen=True, slots=True)
class EvaluationOutputs:
    """Paths of what an evaluation writes: the file scores, the metrics of each split, and their breakdown."""

    scores: str
    metrics: str
    breakdown: str


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """The settings of an evaluation.

    Attributes
    ----------
    model_input : the windows and features that the detector receives, as the configuration has them.
    rule : how the threshold is chosen.
    precision : the precision at which recall is also measured.
    calibration_bins : number of bins for the expected calibration error.
    """

    model_input: Mapping[str, Any]
    rule: ThresholdRule
    precision: float
    calibration_bins: int


def evaluate_run(
    inputs: EvaluationInputs, outputs: EvaluationOutputs, settings: EvaluationSettings, device: str
) -> None:
    """Score every validation and test file, and measure each split.

    A run that is left out has no model; see :func:`hardneg.experiments.training_run.leave_out`. Its tables get no row.

    Parameters
    ----------
    device : a torch device.
    """
    if read_reason_left_out(Path(inputs.model).with_suffix(".json")):
        tables.write(pd.DataFrame(columns=evaluation.SCORE_COLUMNS), outputs.scores)
        tables.write(pd.DataFrame(columns=["split", "files", "positives", "threshold"]), outputs.metrics)
        tables.write(pd.DataFrame(columns=evaluation.BREAKDOWN_COLUMNS), outputs.breakdown)
        return
    network = checkpoints.load(inputs.model, settings.model_input)
    recordings, index = evaluation.read_test_files(inputs.recordings, inputs.index, inputs.pool, inputs.pool_index)
    validation_scores = tables.read(inputs.validation_scores)
    scores = evaluation.score_splits(network.to(device), recordings, index, validation_scores, device)
    metrics = evaluation.measure_splits(scores, settings.precision, settings.calibration_bins, settings.rule)
    tables.write(scores, outputs.scores)
    tables.write(metrics, outputs.metrics)
    tables.write(evaluation.break_down_detections(scores, metrics.threshold.iloc[0]), outputs.breakdown)
