"""How far people agree on what they heard."""

from itertools import combinations

import pandas as pd
from sklearn.metrics import cohen_kappa_score

from hardneg.review.review_table import answers


def between_reviewers(review: pd.DataFrame) -> pd.DataFrame:
    """Compare each two reviewers on the files that both answered.

    Returns
    -------
    ``first, second, files, agreed`` (share) and ``kappa`` (J. Cohen, 1960), which is missing where both gave one and
    the same label throughout.
    """
    wide = answers(review).pivot(index="file_path", columns="reviewer", values="label")
    rows = []
    for first, second in combinations(sorted(wide.columns), 2):
        both = wide[[first, second]].dropna()
        if len(both):
            same = both[first] == both[second]
            varied = pd.unique(both.to_numpy().ravel()).size > 1
            kappa = cohen_kappa_score(both[first], both[second]) if varied else float("nan")
            rows.append({"first": first, "second": second, "files": len(both), "agreed": same.mean(), "kappa": kappa})
    return pd.DataFrame(rows, columns=["first", "second", "files", "agreed", "kappa"])
