"""Measure how far reviewers agree."""

from itertools import combinations

import pandas as pd
from sklearn.metrics import cohen_kappa_score

from hardneg.review.review_table import select_latest_answers


def compare_reviewers(review: pd.DataFrame) -> pd.DataFrame:
    """Compare each pair of reviewers on the files that both answered.

    Parameters
    ----------
    review : from :func:`hardneg.review.review_table.read_review`.

    Returns
    -------
    ``first, second, files, agreed`` (share) and ``kappa`` (J. Cohen, 1960). Kappa is missing if both reviewers gave
    the same label to all files.
    """
    labels = select_latest_answers(review).pivot(index="file_path", columns="reviewer", values="label")
    rows = []
    for first, second in combinations(sorted(labels.columns), 2):
        both = labels[[first, second]].dropna()
        if len(both):
            same = both[first] == both[second]
            has_several_labels = pd.unique(both.to_numpy().ravel()).size > 1
            kappa = cohen_kappa_score(both[first], both[second]) if has_several_labels else float("nan")
            rows.append({"first": first, "second": second, "files": len(both), "agreed": same.mean(), "kappa": kappa})
    return pd.DataFrame(rows, columns=["first", "second", "files", "agreed", "kappa"])
