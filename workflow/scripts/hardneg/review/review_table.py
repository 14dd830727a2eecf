"""Read the answers of reviewers and resolve their conflicts into one label for each file."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from hardneg.common import text_tables
from hardneg.common.errors import InputError
from hardneg.common.formulas import unescape_formulas

LABELS = ("negative", "positive", "uncertain")
COLUMNS = ["file_path", "start_s", "end_s", "label", "reviewer", "reviewed_at", "note", "target"]
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


def read_review(path: str | os.PathLike[str], matches: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Read a table of answers, as the review page saves it.

    Parameters
    ----------
    path : a table with :data:`COLUMNS`, of which :data:`REQUIRED_COLUMNS` must exist; see
        :func:`hardneg.common.text_tables.read`. The answers of several reviewers, and several answers of one reviewer,
        are separate rows. A file that does not exist has no answers.
    matches : the recording for each path that is written in another way; see
        :func:`hardneg.recordings.path_matching.match_paths`.

    Returns
    -------
    One row per answer, in the order of the file. All columns are text except ``start_s`` and ``end_s`` (s).

    Raises
    ------
    InputError
        If the table cannot be read, or a path, label, time or start is missing or not valid. The message lists the
        rows.
    """
    if not Path(path).is_file():
        return pd.DataFrame(columns=COLUMNS)
    source = f"review {path}"
    table = text_tables.read(path, source, COLUMNS)
    missing = [column for column in REQUIRED_COLUMNS if column not in table.columns]
    if missing:
        raise InputError(
            f"{source} lacks the column(s) {', '.join(missing)}: add them. It has: {', '.join(table.columns)}."
        )
    table = unescape_formulas(table.reindex(columns=COLUMNS, fill_value=""))
    table["label"] = table.label.str.strip().str.lower()
    text_tables.refuse_rows(table, table.file_path == "", source, "no file_path", ["label"])
    problem = f"a label other than {', '.join(LABELS)}"
    text_tables.refuse_rows(table, ~table.label.isin(LABELS), source, problem, ["label"])
    unreadable = _parse_times(table).isna() & (table.reviewed_at.str.strip() != "")
    problem = "a reviewed_at that is not a time such as 2025-03-10T21:30:00Z"
    text_tables.refuse_rows(table, unreadable, source, problem, ["reviewed_at"])
    for column in ("start_s", "end_s"):
        table[column] = text_tables.parse_numbers(table, column, source)
    table["file_path"] = table.file_path.replace(dict(matches or {}))
    return table.reset_index(drop=True)


def refuse_other_species(review: pd.DataFrame, target: str, path: str) -> None:
    """Refuse answers on another species. A table without the column ``target``, or an empty cell in it, fits any.

    Parameters
    ----------
    review : from :func:`read_review`.
    target : the species of the configuration.
    path : of the table, for the message.

    Raises
    ------
    InputError
        If a row is about another species.
    """
    named = review.target.str.strip()
    others = sorted(set(named[(named != "") & (named.str.casefold() != target.strip().casefold())]))
    if others:
        raise InputError(
            f"review {path} has answers on {', '.join(others)}, but the target is {target}. Set review.file to the "
            "answers on this species, or to a path where no file is yet."
        )


def select_latest_answers(review: pd.DataFrame) -> pd.DataFrame:
    """Select each reviewer's latest answer on each file, by ``reviewed_at`` and then by row."""
    ordered = review.assign(time=_parse_times(review)).sort_values("time", kind="stable", na_position="first")
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


def _parse_times(review: pd.DataFrame) -> pd.Series:
    return pd.to_datetime(review.reviewed_at.str.strip(), errors="coerce", utc=True, format="ISO8601")


def _take_latest(labels: list[str]) -> str:
    return labels[-1]


def _take_any_positive(labels: list[str]) -> str:
    return next((label for label in ("positive", "uncertain") if label in labels), "negative")


def _take_majority(labels: list[str]) -> str:
    return next((label for label in LABELS if labels.count(label) > len(labels) / 2), "uncertain")
