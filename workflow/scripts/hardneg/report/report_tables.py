"""Arrange the results as the tables of the report."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from hardneg.recordings.manifest import SPLITS
from hardneg.report.questions import QUESTIONS, Question
from hardneg.statistics.delta_table import varying_axes


@dataclass(frozen=True, slots=True)
class RecordingCounts:
    """The recordings that were used and those that were rejected.

    Attributes
    ----------
    splits : a row per split and label with ``split, label, files, hours, recorder_nights, sites``.
    rejected : number of rejected files by reason.
    rejected_files : their total.
    """

    splits: list[dict[str, Any]]
    rejected: dict[str, int]
    rejected_files: int


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """The differences of one value in one configuration.

    Attributes
    ----------
    configuration : values of the table's `axes`.
    value : of the compared axis.
    seeds : number of pairs.
    cells : the row of the table of differences for each metric.
    """

    configuration: tuple[str, ...]
    value: str
    seeds: int
    cells: dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ComparisonTable:
    """The differences of one comparison on one split that answer one question; `axes` are the other axes that vary."""

    vary: str
    baseline: str
    split: str
    question: Question
    axes: list[str]
    metrics: list[str]
    rows: list[ComparisonRow]


@dataclass(frozen=True, slots=True)
class NightRow:
    """The rates of one configuration, converted to numbers per night.

    Attributes
    ----------
    configuration : value of each axis that varies.
    miss_probability : chance of missing a night, by its number of calling files.
    flagged, minutes : files flagged in a night without calls, and minutes to review them.
    """

    configuration: dict[str, str]
    miss_probability: dict[int, float]
    flagged: float
    minutes: float


@dataclass(frozen=True, slots=True)
class QualityRow:
    """Recall on one split with one tier, by quality of the positives: means over runs."""

    split: str
    tier: str
    recall: dict[str, float]


@dataclass(frozen=True, slots=True)
class CallRow:
    """Single calls on one split with one tier: means over runs.

    Attributes
    ----------
    calls : number of annotated calls.
    recall : share of these that a detection finds.
    precision : share of the detections that are right.
    false_per_hour : detections that are wrong, per recorded hour.
    window_average_precision : average precision over windows.
    """

    split: str
    tier: str
    calls: int
    recall: float
    precision: float
    false_per_hour: float
    window_average_precision: float


def count_recordings(recordings: pd.DataFrame, rejected: pd.DataFrame) -> RecordingCounts:
    """Count files, hours, recorder-nights and sites per split and label, and the rejections by reason."""
    table = recordings.groupby(["split", "label"], as_index=False).agg(
        files=("file_path", "size"),
        hours=("duration_s", lambda seconds: seconds.sum() / 3600),
        recorder_nights=("group", "nunique"),
        sites=("site", "nunique"),
    )
    table = table.sort_values("split", key=lambda column: column.map(SPLITS.index), kind="stable")
    reasons = rejected.reason.str.split(":").str[0].value_counts()
    return RecordingCounts(table.to_dict("records"), reasons.to_dict(), len(rejected))


def build_comparison_tables(deltas: pd.DataFrame) -> list[ComparisonTable]:
    """Arrange all differences: one table per comparison, split and question, one row per configuration and value."""
    axes, comparison_tables = varying_axes(deltas), []
    for (vary, baseline, split), part in deltas.groupby(["vary", "baseline", "split"], sort=False):
        for question in QUESTIONS:
            answers = part[part.metric.isin(question.metrics)]
            metrics = [metric for metric in question.metrics if metric in set(answers.metric)]
            rows = [
                ComparisonRow(key[:-1], key[-1], int(max(cell["n"] for cell in cells.values())), cells)
                for key, cells in _arrange_by_metric(answers, [*axes, "value"]).items()
            ]
            if rows:
                comparison_tables.append(ComparisonTable(vary, baseline, split, question, axes, metrics, rows))
    return comparison_tables


def build_night_rows(nights: pd.DataFrame) -> list[NightRow]:
    """Arrange the nights out of distribution (in distribution where no such test exists), one row per configuration."""
    part = nights[nights.split == ("test_ood" if "test_ood" in set(nights.split) else "test_iid")]
    axes = [axis for axis in part.columns[: list(part.columns).index("split")] if part[axis].nunique() > 1]
    rows = []
    for key, cells in part.groupby(axes or ["split"], sort=False):
        by_count = cells.set_index("calling_files")
        rows.append(
            NightRow(
                configuration=dict(zip(axes, key, strict=False)),
                miss_probability=by_count.miss_probability.drop(index=0).to_dict(),
                flagged=by_count.flagged_files[0],
                minutes=by_count.review_minutes[0],
            )
        )
    return rows


def build_quality_rows(breakdown: pd.DataFrame) -> list[QualityRow]:
    """Average the recall over runs, by split, tier and quality of the positives."""
    part = breakdown[breakdown.by == "quality"]
    means = part.groupby(["split", "negative_tier", "value"], sort=False).recall.mean()
    return [
        QualityRow(split, tier, cells.droplevel([0, 1]).to_dict())
        for (split, tier), cells in means.groupby(level=["split", "negative_tier"], sort=False)
    ]


def build_call_rows(calls: pd.DataFrame) -> list[CallRow]:
    """Average what the detectors find of single calls, by split and tier.

    Parameters
    ----------
    calls : from :func:`hardneg.experiments.call_metrics.measure_runs`.
    """
    names = ["calls", "call_recall", "detection_precision", "false_detections_per_hour", "window_average_precision"]
    means = calls.groupby(["split", "negative_tier"], sort=False)[names].mean().reset_index()
    return [CallRow(split, tier, int(count), *rest) for split, tier, count, *rest in means.itertuples(index=False)]


def _arrange_by_metric(differences: pd.DataFrame, keys: list[str]) -> dict[tuple[Any, ...], dict[str, dict[str, Any]]]:
    """Arrange rows by their values of some columns, and then by metric. Thousands of data frames would be slow."""
    arranged: dict[tuple[Any, ...], dict[str, dict[str, Any]]] = {}
    complete = differences.dropna(subset=keys)
    for key, row in zip(complete[keys].itertuples(index=False, name=None), complete.to_dict("records"), strict=True):
        arranged.setdefault(key, {})[row["metric"]] = row
    return arranged
