"""How many annotated calls a detector finds, in the test recordings whose calls are all annotated."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from hardneg.common import tables
from hardneg.models.metrics import measure_at_threshold, measure_ranking
from hardneg.recordings.stretches import COMPLETE, NEGATIVE, POSITIVE, list_stretches

COLUMNS = [
    "recordings", "hours", "windows", "positive_windows", "window_average_precision", "window_precision",
    "window_recall", "window_f1", "calls", "found_calls", "call_recall", "detections", "right_detections",
    "detection_precision", "detection_f1", "false_detections_per_hour",
]  # fmt: skip
SECONDS_PER_HOUR = 3600
FloatArray = npt.NDArray[np.float64]


def measure_runs(
    window_score_paths: Sequence[str | os.PathLike[str]],
    runs: Sequence[Mapping[str, str]],
    measured: pd.DataFrame,
    recordings: pd.DataFrame,
    tolerance_s: float,
) -> pd.DataFrame:
    """Measure each run at its frozen threshold.

    Parameters
    ----------
    window_score_paths, runs : the scored windows, and the axes and seed of each run, in the same order.
    measured : ``runs.csv``, with the axes, the seed and ``threshold``.
    recordings : checked recordings outside the pool.
    tolerance_s : see :func:`measure_calls`.

    Returns
    -------
    One row per run and test split with an annotated recording: the axes, ``seed, split``, and :data:`COLUMNS`.
    """
    keys = list(runs[0])
    thresholds = measured.astype(dict.fromkeys(keys, str)).drop_duplicates(keys).set_index(keys).threshold
    annotated = recordings[recordings.annotated == COMPLETE]
    calls = list_stretches(annotated)
    calls = calls[calls.label == POSITIVE]
    rows: list[dict[str, Any]] = []
    for path, run in zip(window_score_paths, runs, strict=True):
        windows = tables.read(path)
        for split in windows.split.unique():
            files = annotated[annotated.split == split]
            part, in_split = windows[windows.split == split], calls[calls.file_path.isin(files.file_path)]
            hours = files.duration_s.sum() / SECONDS_PER_HOUR
            found = measure_calls(part, in_split, thresholds[tuple(run.values())], hours, tolerance_s)
            rows.append({**run, "split": split, "recordings": len(files), **found})
    return pd.DataFrame(rows, columns=[*keys, "split", *COLUMNS])


def measure_calls(
    windows: pd.DataFrame, calls: pd.DataFrame, threshold: float, hours: float, tolerance_s: float
) -> dict[str, float]:
    """Compare the flagged windows of recordings with their annotated calls.

    A *detection* is a run of flagged windows that overlap or touch. It is right if a call lies within `tolerance_s` of
    it, and a call is found if a detection does. So one detection can find several calls, and one call can make several
    detections right. This is event-based evaluation by any overlap, with a collar (A. Mesaros, T. Heittola and T.
    Virtanen, "Metrics for polyphonic sound event detection", *Applied Sciences* 6, 2016).

    Parameters
    ----------
    windows : ``file_path, start_s, end_s, window_label, confidence`` of completely annotated recordings.
    calls : ``file_path, start_s, end_s``.
    threshold : windows at or above are flagged.
    hours : length of the recordings.

    Returns
    -------
    :data:`COLUMNS` without ``recordings``. Windows that a call only touches count for no measure of windows. Shares of
    nothing are missing.
    """
    certain = windows[windows.window_label.isin((POSITIVE, NEGATIVE))]
    labels, confidences = (certain.window_label == POSITIVE).astype(int).to_numpy(), certain.confidence.to_numpy()
    at = measure_at_threshold(labels, confidences, threshold, hours * SECONDS_PER_HOUR)
    detections = merge_windows(windows[windows.confidence >= threshold])
    found, right = match_within(calls, detections, tolerance_s), match_within(detections, calls, tolerance_s)
    recall, precision = _share(found), _share(right)
    return {
        "hours": hours,
        "windows": len(certain),
        "positive_windows": int(labels.sum()),
        "window_average_precision": measure_ranking(labels, confidences).average_precision,
        "window_precision": at.precision,
        "window_recall": at.recall,
        "window_f1": at.f1,
        "calls": len(calls),
        "found_calls": int(found.sum()),
        "call_recall": recall,
        "detections": len(detections),
        "right_detections": int(right.sum()),
        "detection_precision": precision,
        "detection_f1": _combine(recall, precision),
        "false_detections_per_hour": float((~right).sum() / hours) if hours else np.nan,
    }


def merge_windows(flagged: pd.DataFrame) -> pd.DataFrame:
    """Merge windows of one file that overlap or touch.

    >>> flagged = pd.DataFrame({"file_path": "a", "start_s": [0.0, 3.0, 9.0], "end_s": [3.0, 6.0, 12.0]})
    >>> merge_windows(flagged)
      file_path  start_s  end_s
    0         a      0.0    6.0
    1         a      9.0   12.0
    """
    ordered = flagged.sort_values(["file_path", "start_s"])
    last_end = ordered.groupby("file_path").end_s.cummax().groupby(ordered.file_path).shift()
    begins = ~(ordered.start_s <= last_end)
    merged = ordered.groupby([ordered.file_path, begins.cumsum()], sort=True)
    return (
        merged.agg(start_s=("start_s", "min"), end_s=("end_s", "max"))
        .reset_index(level="file_path")
        .reset_index(drop=True)
    )


def match_within(stretches: pd.DataFrame, others: pd.DataFrame, tolerance_s: float) -> npt.NDArray[np.bool_]:
    """Mark the stretches that another one of the same file overlaps, or comes within `tolerance_s` of.

    Both tables have ``file_path, start_s, end_s``.
    """
    numbered = stretches.assign(number=np.arange(len(stretches)))
    pairs = numbered.merge(others, on="file_path", suffixes=("", "_other"))
    gap = np.maximum(pairs.start_s - pairs.end_s_other, pairs.start_s_other - pairs.end_s)
    matched = np.zeros(len(stretches), bool)
    matched[pairs.number[gap <= tolerance_s]] = True
    return matched


def _combine(recall: float, precision: float) -> float:
    """Compute F1: missing without calls, and 0 if none of them is found, also where nothing is detected."""
    return 2 * recall * precision / (recall + precision) if recall > 0 else recall


def _share(hits: npt.NDArray[np.bool_]) -> float:
    return float(hits.mean()) if len(hits) else np.nan
