"""Describe in words what limits a tier: that no file is within its bounds, or that equal confidences decided."""

import pandas as pd

SUGGESTED_COUNTS = (10, 100, 1000)


def explain_emptiness(ranked: pd.DataFrame, low: float, high: float) -> str:
    """Explain why no file is within a tier's bounds, and suggest bounds that would select files.

    Parameters
    ----------
    ranked : the pool without excluded files, the highest ``confidence`` first.
    low, high : the bounds, ``low <= confidence < high``; a `high` of 1 is included.
    """
    if ranked.empty:
        return "The pool has no files, or all of them are excluded. Add recordings with split pool."
    bounds = f"{low:g} or more" + (f" and below {high:g}" if high < 1 else "")
    reason = (
        f"No file has a confidence of {bounds}. The highest of the {len(ranked)} files is "
        f"{ranked.confidence.iloc[0]:.3f}."
    )
    suggestions = [
        f"min_confidence: {ranked.confidence.iloc[count - 1]:.3f} would select {count} files"
        for count in SUGGESTED_COUNTS
        if count <= len(ranked)
    ]
    return f"{reason} {'; '.join(suggestions)}." if suggestions else reason


def describe_ties(confidences: pd.Series, count: int) -> list[str]:
    """Describe that files of equal confidence are on both sides of a tier's lower end.

    Parameters
    ----------
    confidences : of the files that the tier could take, the highest first.
    count : how many of them it takes.

    Returns
    -------
    One sentence or two, or nothing if the confidences decide which files the tier has.
    """
    taken, left_out = confidences.iloc[:count], confidences.iloc[count:]
    if taken.empty or left_out.empty or taken.iloc[-1] != left_out.iloc[0]:
        return []
    lowest = float(taken.iloc[-1])
    tied, tied_outside = int((taken == lowest).sum()), int((left_out == lowest).sum())
    note = (
        f"{tied} of its {count} files have the same confidence ({lowest:g}) as {tied_outside} files that it leaves "
        "out. These files were drawn at random."
    )
    return [note + " The mining model found nothing in them." if lowest == 0 else note]
