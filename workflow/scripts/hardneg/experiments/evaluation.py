"""Evaluate a trained detector on its validation files and on the test splits."""

from dataclasses import asdict

import pandas as pd
from torch import nn

from hardneg.common import tables
from hardneg.features import store
from hardneg.models import metrics
from hardneg.models.inference import score_files
from hardneg.models.thresholds import ThresholdRule, choose_threshold
from hardneg.recordings.manifest import EVALUATED_SPLITS, TEST_POOL
from hardneg.recordings.test_sets import select_test_files

RECORDING_COLUMNS = [
    "file_path", "quality", "call_type", "site", "recorder_id", "date", "night", "group", "duration_s",
]  # fmt: skip
SCORE_COLUMNS = ["file_path", "confidence", "start_s", "end_s", "label", "split", *RECORDING_COLUMNS[1:]]
BREAKDOWN_COLUMNS = ["split", "by", "value", "files", "positives", "tp", "fp", "recall"]


def read_test_files(
    recordings_path: str, index_path: str, pool_path: str, pool_index_path: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the recordings that a run is tested on, and their windows.

    Parameters
    ----------
    recordings_path, index_path : checked recordings outside the pool, and their windows.
    pool_path, pool_index_path : checked recordings of the pool, of which those held out count, and the windows of the
        pool. Empty if nothing is held out.
    """
    recordings, index = tables.read(recordings_path), tables.read(index_path)
    if not pool_path:
        return recordings, index
    pool = tables.read(pool_path)
    held_out = pool[pool.split == TEST_POOL]
    windows = tables.read_rows_of_files(pool_index_path, held_out.file_path)
    return pd.concat([recordings, held_out], ignore_index=True), pd.concat([index, windows], ignore_index=True)


def score_splits(
    network: nn.Module, recordings: pd.DataFrame, index: pd.DataFrame, validation_scores: pd.DataFrame, device: str
) -> pd.DataFrame:
    """Score every file of the test splits and of the held-out pool, and join the validation scores.

    Parameters
    ----------
    network : the detector, on `device`.
    recordings : checked recordings: those outside the pool, and those held out of it.
    index : their windows.
    validation_scores : of the run: ``file_path, confidence, start_s, end_s, label``.
    device : a torch device.

    Returns
    -------
    One row per split and file: ``split, label`` (1 or 0), ``confidence, start_s, end_s`` and
    :data:`RECORDING_COLUMNS`.
    """
    parts = [validation_scores.assign(split="val")]
    for split in EVALUATED_SPLITS:
        files = recordings[recordings.split == split]
        if len(files):
            label = (files.label == "positive").astype(int)
            windows = index.merge(files[["file_path"]].assign(label=label), on="file_path", validate="m:1")
            parts.append(score_files(network, store.load(windows), windows, device).assign(split=split))
    scores = pd.concat(parts, ignore_index=True)
    return scores.merge(recordings[RECORDING_COLUMNS], on="file_path", how="left", validate="m:1")


def measure_splits(scores: pd.DataFrame, precision: float, calibration_bins: int, rule: ThresholdRule) -> pd.DataFrame:
    """Measure each split at the frozen threshold, which is chosen on validation.

    The files of a split are those of :func:`hardneg.recordings.test_sets.select_test_files`.

    Parameters
    ----------
    scores : from :func:`score_splits`.
    precision : the precision at which recall is also measured.
    calibration_bins : number of bins for the expected calibration error.
    rule : how the threshold is chosen.

    Returns
    -------
    One row per split: ``split, files, positives, threshold`` and the values of :mod:`hardneg.models.metrics`.
    """
    validation = scores[scores.split == "val"]
    threshold = choose_threshold(
        validation.label.to_numpy(), validation.confidence.to_numpy(), rule, validation.duration_s.to_numpy() / 3600
    )
    rows = []
    for split in scores.split.unique():
        files = select_test_files(scores, split)
        labels, confidences = files.label.to_numpy(), files.confidence.to_numpy()
        recorded_s = float(files.duration_s.sum(skipna=False))
        rows.append(
            {"split": split, "files": len(files), "positives": int(labels.sum()), "threshold": threshold}
            | asdict(metrics.measure_at_threshold(labels, confidences, threshold, recorded_s))
            | asdict(metrics.measure_ranking(labels, confidences))
            | {
                "recall_at_precision": metrics.recall_at_precision(labels, confidences, precision),
                "calibration_error": metrics.expected_calibration_error(labels, confidences, calibration_bins),
            }
            | asdict(metrics.measure_oracle(labels, confidences))
        )
    return pd.DataFrame(rows)


def break_down_detections(scores: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """Count detections and false positives for each recorder and each quality.

    Parameters
    ----------
    scores : from :func:`score_splits`.
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
