"""Summarize the flags of the audit and the answers of the reviewers, for the report."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from hardneg.audit import pool_audit
from hardneg.audit.reliability import Reliability
from hardneg.mining.tiers import Definitions, select_within_bounds
from hardneg.review import agreement
from hardneg.review.review_table import LABELS


@dataclass(frozen=True, slots=True)
class AuditSummary:
    """Flags and answers, counted for the pool and within the bounds of each tier.

    Attributes
    ----------
    sentences : what the audit found, and whether it can be trusted.
    flags : their names.
    tiers : a row each with ``name, files``, the counts of each flag, of ``any`` flag and of each label, and
        ``suspected_share``, the share of the files that are suspected positives.
    truth : rows of :func:`hardneg.audit.pool_audit.compare_with_truth`; empty where the truth is not known.
    reviewed, reviewers : number of files and of people.
    agreement : rows of :func:`hardneg.review.agreement.compare_reviewers`.
    """

    sentences: list[str]
    flags: list[str]
    tiers: list[dict[str, Any]]
    truth: list[dict[str, Any]]
    reviewed: int
    reviewers: int
    agreement: list[dict[str, Any]]


def summarize_audit(
    audited: pd.DataFrame,
    reliability: Reliability,
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
    reliability : from :func:`hardneg.audit.reliability.assess_reliability`.
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
        share = float(flagged.suspected_positive.mean()) if inside.any() else None
        size, flagged_files = int(inside.sum()), int(flagged.any(axis=1).sum())
        rows.append({"name": name, "files": size, "suspected_share": share, "any": flagged_files, **counts})
    return AuditSummary(
        sentences=describe_reliability(reliability),
        flags=flags,
        tiers=rows,
        truth=[] if truth is None else pool_audit.compare_with_truth(audited, truth, files_by_tier).to_dict("records"),
        reviewed=int((reviewed_labels != "").sum()),
        reviewers=int(answers.reviewer.nunique()),
        agreement=agreement.compare_reviewers(answers).to_dict("records"),
    )


def describe_reliability(reliability: Reliability) -> list[str]:
    """Describe in sentences how many hidden positives there may be, whether they leave the tiers, and why."""
    sentences = []
    if pd.notna(reliability.hidden):
        sentences.append(
            f"The pool of {reliability.pool_files} files contains an estimated {reliability.hidden:.0f} hidden "
            f"positives (95 % interval {reliability.hidden_low:.0f} to {reliability.hidden_high:.0f})."
        )
    if pd.notna(reliability.auroc):
        sentences.append(
            "On labeled files of recorders that they were not trained on, the audit's models reach an AUROC of "
            f"{reliability.auroc:.2f} ({reliability.auroc_low:.2f} to {reliability.auroc_high:.2f})."
        )
    if not reliability.can_tell:
        sentences.append(f"The audit cannot tell hidden positives from hard negatives here: {reliability.doubt}.")
    count = reliability.suspected
    if not count:
        return [*sentences, "No file is a suspected positive."]
    sentences.append("1 file is a suspected positive." if count == 1 else f"{count} files are suspected positives.")
    if reliability.is_excluded:
        sentences.append("Tiers that exclude suspected positives leave them out.")
    else:
        sentences.append("They stay in every tier. To listen to them, run “snakemake review”.")
    return sentences
