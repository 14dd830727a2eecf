"""Cut the ranking of mined negatives into tiers."""

import pandas as pd

from hardneg.errors import InputError
from hardneg.hashing import uniform

COLUMNS = ["file_path", "confidence", "start_s", "end_s", "rank", "recorder_id", "date"]


def is_none(tier: dict) -> bool:
    """Whether a tier's definition chooses nothing, so that its runs train on no mined negative."""
    return not set(tier) - {"seed", "allow_empty"}


def assign(
    scores: pd.DataFrame,
    name: str,
    min_confidence: float = 0.0,
    max_confidence: float = 1.0,
    top_k: int | None = None,
    top_fraction: float | None = None,
    random: int | None = None,
    allow_empty: bool = False,
    seed: int = 0,
    match: str | None = None,
    match_files: int | None = None,
) -> pd.DataFrame:
    """Choose the files of one tier.

    The bounds are applied first, then ``top_k`` or ``top_fraction``, and what is left is cut at random to ``random``
    files or to the size of another tier. So ``{match: conf85}`` alone is the control: as many files as conf85 holds,
    drawn from the whole pool.

    Parameters
    ----------
    scores : one row per pool file: ``file_path, confidence, start_s, end_s, recorder_id, date``.
    name : of the tier, for messages and for its own random draw.
    min_confidence, max_confidence : files with min <= confidence < max; a maximum of 1 is included.
    top_k, top_fraction : keep the hardest files only, by number or as a share in (0, 1].
    random : keep this many, at random.
    allow_empty : let the tier hold nothing.
    seed : of the random draw, which hashes names: a file's place in it never changes.
    match, match_files : the other tier's name and its number of files.

    Returns
    -------
    The files in order of rank (1 is the hardest of the pool).

    Raises
    ------
    InputError
        If the tier holds no file and may not be empty, or has fewer files than it must be cut to; the message says
        what would hold files.
    """
    ranked = scores.sort_values(["confidence", "file_path"], ascending=[False, True], ignore_index=True)
    ranked = ranked.assign(rank=ranked.index + 1)
    below = ranked.confidence < max_confidence if max_confidence < 1 else ranked.confidence <= 1
    held = ranked[(ranked.confidence >= min_confidence) & below]
    if held.empty and not allow_empty:
        raise InputError(_nothing_held(ranked, name, min_confidence, max_confidence))
    if top_fraction is not None:
        held = held.head(max(round(top_fraction * len(held)), 1))
    if top_k is not None:
        held = held.head(top_k)
    for size, source in ((random, "random"), (match_files, f"match: {match}")):
        if size is not None:
            held = _draw(held, size, name, source, seed)
    return held.reindex(columns=COLUMNS).reset_index(drop=True)


def _draw(held: pd.DataFrame, size: int, name: str, source: str, seed: int) -> pd.DataFrame:
    if len(held) < size:
        raise InputError(
            f"negative tier '{name}' must hold {size} files ({source}) and only {len(held)} fit its bounds: widen its "
            "bounds or match a smaller tier, else its size would differ from what it is compared with."
        )
    draw = pd.Series(uniform(list(held.file_path), f"tier:{name}:{seed}"), index=held.index)
    return held[draw.rank(method="first") <= size]


def _nothing_held(ranked: pd.DataFrame, name: str, low: float, high: float) -> str:
    bounds = f"confidence >= {low:g}" + (f" and < {high:g}" if high < 1 else "")
    if ranked.empty:
        return f"negative tier '{name}' ({bounds}) holds no file: the pool is empty. Add rows with split pool."
    would = [
        f"min_confidence: {ranked.confidence.iloc[place - 1]:.3f} would hold {place}"
        for place in (10, 100, 1000)
        if place <= len(ranked)
    ]
    return (
        f"negative tier '{name}' ({bounds}) holds no file. The highest confidence in the pool is "
        f"{ranked.confidence.iloc[0]:.3f}, of {len(ranked)} files; {'; '.join(would) or 'the pool is small'}. "
        "Choose bounds that hold files, or set allow_empty: true to train it as if it were none."
    )
