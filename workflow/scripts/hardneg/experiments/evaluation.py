"""Measure the stored file scores of detectors. This module does not need torch, so one quick job measures all runs."""

from dataclasses import asdict, dataclass

import pandas as pd

from hardneg.models import metrics
from hardneg.models.thresholds import ThresholdRule, choose_threshold
from hardneg.recordings.manifest import EVALUATED_SPLITS, MINED
from hardneg.recordings.test_sets import select_test_files

BREAKDOWN_COLUMNS = ["split", "by", "value", "files", "positives", "tp", "fp", "recall"]


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """How scores are measured: keys of the ``evaluation`` block of the configuration.

    Attributes
    ----------
    precision : the precision at which recall is also measured.
    calibration_bins : number of bins for the expected calibration error.
    rule : how the threshold is chosen.
    """

    precision: float
    calibration_bins: int
    rule: ThresholdRule


def measure_splits(scores: pd.DataFrame, settings: EvaluationSettings) -> pd.DataFrame:
    """Measure each split at the frozen threshold, which is chosen on validation.

    The files of a split are those of :func:`hardneg.recordings.test_sets.select_test_files`.

    Parameters
    ----------
    scores : from :func:`hardneg.experiments.split_scores.score_splits`.
    settings : see :class:`EvaluationSettings`.

    Returns
    -------
    One row per split: ``split, files, positives, threshold`` and the values of :mod:`hardneg.models.metrics`.
    """
    validation = scores[scores.split == "val"]
    hours = validation.duration_s.to_numpy() / 3600
    threshold = choose_threshold(validation.label.to_numpy(), validation.confidence.to_numpy(), settings.rule, hours)
    rows = []
    for split in scores.split[scores.split != MINED].unique():
        files = select_test_files(scores, split)
        labels, confidences = files.label.to_numpy(), files.confidence.to_numpy()
        recorded_s = float(files.duration_s.sum(skipna=False))
        rows.append(
            {"split": split, "files": len(files), "positives": int(labels.sum()), "threshold": threshold}
            | asdict(metrics.measure_at_threshold(labels, confidences, threshold, recorded_s))
            | asdict(metrics.measure_ranking(labels, confidences))
            | {
                "recall_at_precision": metrics.recall_at_precision(labels, confidences, settings.precision),
                "calibration_error": metrics.expected_calibration_error(labels, confidences, settings.calibration_bins),
            }
            | asdict(metrics.measure_oracle(labels, confidences))
        )
    return pd.DataFrame(rows)


def break_down_detections(scores: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """Count detections and false positives for each recorder and each quality.

    Parameters
    ----------
    scores : from :func:`hardneg.experiments.split_scores.score_splits`.
    threshold : frozen on validation.

    Returns
    -------
    One row per test split and value of ``by`` (recorder_id or quality): ``files, positives, tp, fp, recall`` (missing
    without positives). Only positives have a quality.
    """
    tests = scores[scores.split.isin(EVALUATED_SPLITS)]
    flagged, positive = tests.confidence >= threshold, tests.label == 1
    counted = tests.assign(positives=positive, tp=flagged & positive, fp=flagged & ~positive, files=1)
    parts = []
    for by, rows in (("recorder_id", counted), ("quality", counted[positive])):
        sums = rows.groupby(["split", by])[["files", "positives", "tp", "fp"]].sum().reset_index()
        parts.append(sums.rename(columns={by: "value"}).assign(by=by))
    table = pd.concat(parts, ignore_index=True)
    table["recall"] = (table.tp / table.positives).where(table.positives > 0)
    return table[BREAKDOWN_COLUMNS]
