"""Choose the positives that a run trains on."""

import pandas as pd

from hardneg.common.errors import InputError

UNRATED = "unrated"
COLUMNS = ["file_path", "quality", "call_type", "confidence", "recorder_id", "date", "start_s"]


def select(
    recordings: pd.DataFrame,
    name: str,
    quality: list[str],
    add: dict | None = None,
    call_type: list[str] | None = None,
    ranking: pd.DataFrame | None = None,
    reviewed: list[list] | None = None,
    pool: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """List the training positives of one subset.

    Parameters
    ----------
    recordings : checked recordings that are not of the pool.
    name : of the subset, for messages.
    quality : the qualities taken whole; ``unrated`` takes the positives that have none.
    add : ``quality`` and ``top_fraction``: of these qualities, also the share that a model trained without them scores
        highest, as the reference study did with its low-quality positives.
    call_type : only these types of call; None for all.
    ranking : ``file_path, confidence`` of the positives that may be added.
    reviewed : files of the pool that people heard to be positive, each with the start (s) of the window heard; see
        :func:`hardneg.review.review_table.positives`.
    pool : checked rows of the pool; needed with `reviewed`, and what is not among them is left aside.

    Returns
    -------
    ``file_path, quality, call_type, confidence`` (missing where not ranked), ``recorder_id, date`` and ``start_s``
    (missing but for files of the pool), in order of path.

    Raises
    ------
    InputError
        If the subset, or what it adds, holds no recording.
    """
    heard = pd.DataFrame(reviewed or [], columns=["file_path", "start_s"])
    heard = pool.merge(heard, on="file_path", validate="1:1") if reviewed else heard
    whole, more = candidates(recordings, name, quality, add, call_type, len(heard) > 0)
    whole = whole.assign(confidence=float("nan"))
    parts = [whole]
    if add:
        more = more.merge(ranking[["file_path", "confidence"]], on="file_path")
        more = more.sort_values(["confidence", "file_path"], ascending=[False, True])
        parts.append(more.head(round(add["top_fraction"] * len(more))))
    parts.append(heard)
    subset = pd.concat([part for part in parts if len(part)] or [whole]).reindex(columns=COLUMNS)
    return subset.sort_values("file_path", ignore_index=True)


def validate_subsets(recordings: pd.DataFrame, subsets: dict[str, dict]) -> None:
    """Refuse subsets that cannot hold what they are to; see :func:`candidates`. `subsets` are their definitions."""
    for name, subset in subsets.items():
        candidates(recordings, name, **subset)


def candidates(
    recordings: pd.DataFrame,
    name: str,
    quality: list[str],
    add: dict | None = None,
    call_type: list[str] | None = None,
    reviewed: bool = False,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What a subset takes whole, and what it may add; this needs no ranking and no audio, so it can be known at once.

    Parameters
    ----------
    recordings : rows of a manifest with its splits assigned, checked or not.
    name, quality, add, call_type : see :func:`select`.
    reviewed : whether files of the pool may join them.

    Raises
    ------
    InputError
        If nothing can be taken, or nothing added: the subset would be trained in vain, for it would equal another.
    """
    chosen = recordings[(recordings.split == "train") & (recordings.label == "positive")]
    if call_type is not None:
        chosen = chosen[chosen.call_type.isin(call_type)]
    rated = chosen.quality.where(chosen.quality.fillna("") != "", UNRATED)
    whole = chosen[rated.isin(quality)]
    more = chosen[rated.isin(add["quality"] if add else [])]
    there = f"the train split's positives have the qualities {rated.value_counts().to_dict()}"
    if add and not round(add["top_fraction"] * len(more)):
        raise InputError(
            f"positive subset '{name}' adds no recording ({add['top_fraction']:g} of {len(more)} of quality "
            f"{', '.join(add['quality'])}): {there}. List others under add, or leave the subset out of the matrix."
        )
    if whole.empty and more.empty and not reviewed:
        raise InputError(
            f"positive subset '{name}' holds no recording: {there}. Give quality in the manifest, or list others in "
            f"the config; {UNRATED} takes those without one."
        )
    return whole, more
