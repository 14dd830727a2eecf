"""Choose the positives that a run trains on."""

import pandas as pd

from hardneg.errors import InputError

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
    quality : the qualities taken whole.
    add : ``quality`` and ``top_fraction``: of these qualities, also the share that a model trained without them scores
        highest, as the reference study did with its low-quality positives.
    call_type : only these types of call; None for all.
    ranking : ``file_path, confidence`` of the positives that may be added.
    reviewed : files of the pool that people heard to be positive, each with the start (s) of the window heard; see
        :func:`hardneg.review.positives`.
    pool : checked rows of the pool; needed with `reviewed`, and what is not among them is left aside.

    Returns
    -------
    ``file_path, quality, call_type, confidence`` (missing where not ranked), ``recorder_id, date`` and ``start_s``
    (missing but for files of the pool), in order of path.

    Raises
    ------
    InputError
        If the subset holds no recording.
    """
    chosen = recordings[(recordings.split == "train") & (recordings.label == "positive")]
    if call_type is not None:
        chosen = chosen[chosen.call_type.isin(call_type)]
    whole = chosen[chosen.quality.isin(quality)].assign(confidence=float("nan"))
    parts = [whole]
    if add:
        more = chosen[chosen.quality.isin(add["quality"])].merge(ranking[["file_path", "confidence"]], on="file_path")
        more = more.sort_values(["confidence", "file_path"], ascending=[False, True])
        parts.append(more.head(round(add["top_fraction"] * len(more))))
    if reviewed:
        heard = pd.DataFrame(reviewed, columns=["file_path", "start_s"])
        parts.append(pool.merge(heard, on="file_path", validate="1:1"))
    subset = pd.concat([part for part in parts if len(part)] or [whole]).reindex(columns=COLUMNS)
    if subset.empty:
        raise InputError(
            f"positive subset '{name}' holds no recording: the train split's positives have the qualities "
            f"{chosen.quality.value_counts().to_dict()}. Give quality in the manifest, or list others in the config."
        )
    return subset.sort_values("file_path", ignore_index=True)
