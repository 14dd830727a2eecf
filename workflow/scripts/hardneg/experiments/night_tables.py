"""Convert the file-level rates of a detector to nights: the chance to miss a night, and the time to review it."""

from collections.abc import Sequence

import pandas as pd

from hardneg.recordings.manifest import TEST_SPLITS


def tabulate_nights(
    runs: pd.DataFrame, axes: Sequence[str], files_per_night: int, calling_files: Sequence[int], review_s: float
) -> pd.DataFrame:
    """Convert recall and false positive rate at the frozen threshold to nights, averaged over seeds.

    A night has `files_per_night` files, and k of them contain a call. The night is missed if none of the k files is
    flagged: ``(1 - recall) ** k``. The flagged files are ``k recall + (files - k) false positive rate``, and each takes
    `review_s` to review.

    The formulas assume that files are independent and all nights alike. The calls of a quiet night are missed together,
    so real nights are missed more often.

    Parameters
    ----------
    runs : one row per run and split, with ``recall, fp, tn``.
    axes : all axes except the seed.
    files_per_night : files that a recorder makes in a night.
    calling_files : the numbers k to tabulate.
    review_s : time to review a flagged file (s).

    Returns
    -------
    One row per arm, test split and number of calling files (0 for a night without the species):
    ``miss_probability`` (missing for 0), ``flagged_files, review_minutes``.
    """
    tests = runs[runs.split.isin(TEST_SPLITS)]
    rates = tests.assign(false_positive_rate=tests.fp / (tests.fp + tests.tn))
    parts = []
    for count in (0, *calling_files):
        # Recall is missing for a split without positives, and a night without calls does not need it.
        detected = count * rates.recall if count else 0.0
        flagged = detected + (files_per_night - count) * rates.false_positive_rate
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
