"""What the audit and the reviewers found, for the report."""

import pandas as pd

from hardneg.audit import pool_audit
from hardneg.mining.tiers import select_within_bounds
from hardneg.review import agreement
from hardneg.review.review_table import LABELS


def summarise(
    audited: pd.DataFrame,
    scores: pd.DataFrame,
    definitions: dict[str, dict],
    truth: pd.DataFrame | None,
    answers: pd.DataFrame,
    decisions: dict[str, str],
) -> dict:
    """Count flags and answers, for the pool and for what lies within each tier's bounds.

    Parameters
    ----------
    audited : from :func:`hardneg.audit.pool_audit.flag`.
    scores : one row per pool file.
    definitions : of the tiers.
    truth : ``file_path, hidden`` where the recordings are generated, else None.
    answers, decisions : the review, and the label that it settles on for each file.

    Returns
    -------
    ``flags`` (names); ``tiers``, one row each with ``name, files``, the count of each flag, of ``any`` and of each
    label of the reviewers; ``truth``, the rows of :func:`hardneg.audit.pool_audit.against_truth`; ``reviewed`` (files),
    ``reviewers`` and ``agreement`` (rows).
    """
    held = {"the whole pool": scores} | select_within_bounds(scores, definitions)
    heard = audited.file_path.map(decisions).fillna("")
    flags = list(pool_audit.FLAGS)
    rows = []
    for name, tier in held.items():
        inside = audited.file_path.isin(tier.file_path)
        counts = audited.loc[inside, flags].sum().astype(int).to_dict()
        labels = heard[inside].value_counts().reindex(LABELS, fill_value=0).to_dict()
        flagged = int(audited.loc[inside, flags].any(axis=1).sum())
        rows.append({"name": name, "files": int(inside.sum()), "any": flagged, **counts, **labels})
    known = [] if truth is None else pool_audit.against_truth(audited, truth, held).to_dict("records")
    return {
        "flags": flags,
        "tiers": rows,
        "truth": known,
        "reviewed": int((heard != "").sum()),
        "reviewers": int(answers.reviewer.nunique()),
        "agreement": agreement.between_reviewers(answers).to_dict("records"),
    }
