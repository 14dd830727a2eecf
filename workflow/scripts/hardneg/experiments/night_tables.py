"""What a detector's file-level rates mean for nights: how often is one missed, how much is there to listen to?"""

import pandas as pd


def tabulate(
    runs: pd.DataFrame, axes: list[str], files_per_night: int, calling_files: list[int], review_s: float
) -> pd.DataFrame:
    """Turn recall and false positive rate at the frozen threshold into nights, averaged over seeds.

    A night of `files_per_night` files, k of which hold a call, is missed if no one of the k is flagged:
    ``(1 - recall) ** k``. Flagged are ``k recall + (files - k) false positive rate`` files, and each takes `review_s`
    to listen to. Files are taken to be independent and all nights alike; calls of one quiet night are missed together,
    so a night is missed more often than this says.

    Parameters
    ----------
    runs : one row per run and split, with ``recall, fp, tn``.
    axes : all axes but the seed.

    Returns
    -------
    One row per configuration, test split and number of calling files (0 for a night without the species):
    ``miss_probability`` (missing for 0), ``flagged_files, review_minutes``.
    """
    tests = runs[runs.split.isin(["test_iid", "test_ood"])]
    rates = tests.assign(false_positive_rate=tests.fp / (tests.fp + tests.tn))
    parts = []
    for count in (0, *calling_files):
        flagged = count * rates.recall + (files_per_night - count) * rates.false_positive_rate
        missed = (1 - rates.recall) ** count if count else float("nan")
        part = rates[[*axes, "split"]].assign(
            calling_files=count,
            miss_probability=missed,
            flagged_files=flagged,
            review_minutes=flagged * review_s / 60,
        )
        parts.append(part)
    keys = [*axes, "split", "calling_files"]
    return pd.concat(parts).groupby(keys, sort=False, as_index=False).mean(numeric_only=True)
