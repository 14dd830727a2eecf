"""Summarize the flags of the audit and the answers of the reviewers, for the report."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from hardneg.audit import pool_audit
from hardneg.mining.tiers import Definitions, select_within_bounds
from hardneg.review import agreement
from hardneg.review.review_table import LABELS


@dataclass(frozen=True, slots=True)
class AuditSummary:
    """Flags and answers, counted for the pool and within the bounds of each tier.

    Attributes
    ----------
    flags : their names.
    tiers : a row each with ``name, files``, the counts of each flag, of ``any`` flag and of each label.
    truth : rows of :func:`hardneg.audit.pool_audit.compare_with_truth`; empty where the truth is not known.
    reviewed, reviewers : number of files and of people.
    agreement : rows of :func:`hardneg.review.agreement.compare_reviewers`.
    """

    flags: list[str]
    tiers: list[dict[str, Any]]
    truth: list[dict[str, Any]]
    reviewed: int
    reviewers: int
    agreement: list[dict[str, Any]]


def summarize_audit(
    audited: pd.DataFrame,
    scores: pd.DataFrame,
    definitions: Definitions,
    truth: pd.DataFrame | None,
    answers: pd.DataFrame,
    decisions: dict[str, str],
) -> AuditSummary:
    """Count flags and answers, for the pool and for the files within each tier's bounds.

    Parameters
    ----------
    audited : from :func:`hardneg.audit.pool_audit.flag_pool_files`.
    scores : one row per pool file.
    definitions : of the tiers.
    truth : ``file_path, hidden`` where the recordings are generated, else None.
    answers, decisions : the review, and the label that it settles on for each file.
    """
    files_by_tier = {"the whole pool": scores} | select_within_bounds(scores, definitions)
    reviewed_labels = audited.file_path.map(decisions).fillna("")
    flags = list(pool_audit.FLAGS)
    rows = []
    for name, files in files_by_tier.items():
        inside = audited.file_path.isin(files.file_path)
        flagged = audited.loc[inside, flags]
        labels = reviewed_labels[inside].value_counts().reindex(LABELS, fill_value=0)
        counts = flagged.sum().astype(int).to_dict() | labels.to_dict()
        rows.append({"name": name, "files": int(inside.sum()), "any": int(flagged.any(axis=1).sum()), **counts})
    return AuditSummary(
        flags=flags,
        tiers=rows,
        truth=[] if truth is None else pool_audit.compare_with_truth(audited, truth, files_by_tier).to_dict("records"),
        reviewed=int((reviewed_labels != "").sum()),
        reviewers=int(answers.reviewer.nunique()),
        agreement=agreement.compare_reviewers(answers).to_dict("records"),
    )
