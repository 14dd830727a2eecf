"""Read the answers of reviewers and resolve their conflicts into one label for each file."""

import csv
import os
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from hardneg.common.errors import InputError

LABELS = ("negative", "positive", "uncertain")
COLUMNS = ["file_path", "start_s", "end_s", "label", "reviewer", "reviewed_at", "note"]
REQUIRED_COLUMNS = ["file_path", "label"]


@dataclass(frozen=True, slots=True)
class ReviewedPositive:
    """A file that reviewers labeled positive.

    Attributes
    ----------
    file_path : the file.
    start_s : start of the reviewed window (s).
    """

    file_path: str
    start_s: float


def read_review(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a table of answers, as the review page saves it.

    Parameters
    ----------
    path : CSV with :data:`COLUMNS`, of which :data:`REQUIRED_COLUMNS` must exist. The answers of several reviewers, and
        several answers of one reviewer, are separate rows. A file that does not exist has no answers.

    Returns
    -------
    One row per answer, in the order of the file. All columns are text except ``start_s`` and ``end_s`` (s).

    Raises
    ------
    InputError
        If the table cannot be read, or if a label is not one of :data:`LABELS`; the message lists the rows.
    """
    if not Path(path).is_file():
        return pd.DataFrame(columns=COLUMNS)
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError, csv.Error) as error:
        raise InputError(f"review {path} cannot be read ({error}): save it as CSV in UTF-8.") from error
    missing = [column for column in REQUIRED_COLUMNS if column not in table.columns]
    if missing:
        raise InputError(
            f"review {path} lacks the column(s) {', '.join(missing)}: add them. It has: {', '.join(table.columns)}."
        )
    table = table.reindex(columns=COLUMNS, fill_value="")
    table["label"] = table.label.str.strip().str.lower()
    invalid = ~table.label.isin(LABELS)
    if invalid.any():
        rows = "\n".join(
            f"  row {row + 2}: {table.file_path[row]}: '{table.label[row]}'" for row in table.index[invalid][:20]
        )
        raise InputError(
            f"review {path}: {invalid.sum()} row(s) with a label other than {', '.join(LABELS)}: correct them.\n{rows}"
        )
    for column in ("start_s", "end_s"):
        table[column] = pd.to_numeric(table[column], errors="coerce")
    return table


def select_latest_answers(review: pd.DataFrame) -> pd.DataFrame:
    """Select each reviewer's latest answer on each file, by ``reviewed_at`` and then by row."""
    times = pd.to_datetime(review.reviewed_at, errors="coerce", utc=True, format="ISO8601")
    ordered = review.assign(time=times).sort_values("time", kind="stable", na_position="first")
    return ordered.drop_duplicates(["file_path", "reviewer"], keep="last")


def resolve_conflicts(review: pd.DataFrame, rule: str) -> dict[str, str]:
    """Resolve the answers of several reviewers into one label for each file.

    Parameters
    ----------
    review : from :func:`read_review`. Only each reviewer's latest answer counts.
    rule : ``latest`` takes the latest answer. ``any_positive`` takes positive if any reviewer gave it, else uncertain
        if any gave it. ``majority`` takes the label of more than half of the reviewers, else uncertain.

    Returns
    -------
    The label of each reviewed file.
    """
    resolve = {"latest": _take_latest, "any_positive": _take_any_positive, "majority": _take_majority}[rule]
    answers = select_latest_answers(review)
    return {path: resolve(list(labels)) for path, labels in answers.groupby("file_path", sort=True).label}


def list_positives(review: pd.DataFrame, decisions: dict[str, str]) -> list[ReviewedPositive]:
    """List the files whose resolved label is positive, in order of path, each with its reviewed window."""
    answers = select_latest_answers(review)
    is_positive = (answers.label == "positive") & (answers.file_path.map(decisions) == "positive")
    latest = answers[is_positive & answers.start_s.notna()].drop_duplicates("file_path", keep="last")
    latest = latest.sort_values("file_path")
    return [ReviewedPositive(path, float(start)) for path, start in zip(latest.file_path, latest.start_s, strict=True)]


def _take_latest(labels: list[str]) -> str:
    return labels[-1]


def _take_any_positive(labels: list[str]) -> str:
    return next((label for label in ("positive", "uncertain") if label in labels), "negative")


def _take_majority(labels: list[str]) -> str:
    return next((label for label in LABELS if labels.count(label) > len(labels) / 2), "uncertain")
