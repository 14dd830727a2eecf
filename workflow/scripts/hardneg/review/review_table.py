"""What people heard in the mined files: read their answers, settle their differences, and keep files out of tiers."""

import csv
import os
from pathlib import Path

import pandas as pd

from hardneg.common.errors import InputError

LABELS = ("negative", "positive", "uncertain")
COLUMNS = ["file_path", "start_s", "end_s", "label", "reviewer", "reviewed_at", "note"]
NEEDED = ["file_path", "label"]


def read(path: str | os.PathLike) -> pd.DataFrame:
    """Read review tables as the review page saves them.

    Parameters
    ----------
    path : CSV with the columns of :data:`COLUMNS`; those of :data:`NEEDED` must be there. Rows of several reviewers,
        and several of one, are put beneath each other. A file that does not exist holds no answer.

    Returns
    -------
    One row per answer, in the order of the file; text, but for ``start_s`` and ``end_s`` (s).

    Raises
    ------
    InputError
        If it is not such a table, or a label is not one of :data:`LABELS`; the message lists the rows.
    """
    if not Path(path).is_file():
        return pd.DataFrame(columns=COLUMNS)
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError, csv.Error) as error:
        raise InputError(f"review {path} cannot be read as a table ({error}): save it as CSV in UTF-8.") from error
    missing = [column for column in NEEDED if column not in table.columns]
    if missing:
        raise InputError(f"review {path} lacks the column(s) {', '.join(missing)}; it has: {', '.join(table.columns)}.")
    table = table.reindex(columns=COLUMNS, fill_value="")
    table["label"] = table.label.str.strip().str.lower()
    wrong = ~table.label.isin(LABELS)
    if wrong.any():
        rows = "\n".join(
            f"  row {row + 2}: {table.file_path[row]}: '{table.label[row]}'" for row in table.index[wrong][:20]
        )
        raise InputError(f"review {path}: {wrong.sum()} row(s) with a label that is not {', '.join(LABELS)}.\n{rows}")
    for column in ("start_s", "end_s"):
        table[column] = pd.to_numeric(table[column], errors="coerce")
    return table


def answers(review: pd.DataFrame) -> pd.DataFrame:
    """Keep each reviewer's last answer on each file: the latest ``reviewed_at``, and of equal ones the last row."""
    times = pd.to_datetime(review.reviewed_at, errors="coerce", utc=True, format="ISO8601")
    ordered = review.assign(time=times).sort_values("time", kind="stable", na_position="first")
    return ordered.drop_duplicates(["file_path", "reviewer"], keep="last")


def resolve(review: pd.DataFrame, conflicts: str) -> dict[str, str]:
    """Settle on one label for each file.

    Parameters
    ----------
    review : from :func:`read`.
    conflicts : what counts of several reviewers' last answers: the ``latest``; ``any_positive``, then any uncertain; or
        the ``majority``, and uncertain where there is none.

    Returns
    -------
    The label of each reviewed file.
    """
    rule = {"latest": _latest, "any_positive": _any_positive, "majority": _majority}[conflicts]
    return {path: rule(list(labels)) for path, labels in answers(review).groupby("file_path", sort=True).label}


def positives(review: pd.DataFrame, decisions: dict[str, str]) -> list[list]:
    """The files settled to be positive, each with the start (s) of the window that was heard, in order of path."""
    heard = answers(review)
    heard = heard[(heard.label == "positive") & (heard.file_path.map(decisions) == "positive") & heard.start_s.notna()]
    last = heard.drop_duplicates("file_path", keep="last").sort_values("file_path")
    return [[path, float(start)] for path, start in zip(last.file_path, last.start_s, strict=True)]


def _latest(labels: list[str]) -> str:
    return labels[-1]


def _any_positive(labels: list[str]) -> str:
    return next((label for label in ("positive", "uncertain") if label in labels), "negative")


def _majority(labels: list[str]) -> str:
    return next((label for label in LABELS if labels.count(label) > len(labels) / 2), "uncertain")
