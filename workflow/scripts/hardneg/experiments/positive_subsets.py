"""Select the positives that a run trains on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from hardneg.common.errors import InputError
from hardneg.review.review_table import ReviewedPositive

UNRATED = "unrated"
COLUMNS = ["file_path", "quality", "call_type", "confidence", "recorder_id", "date", "night", "start_s"]


@dataclass(frozen=True, slots=True)
class RankedAddition:
    """Recordings that a subset adds by rank, as the reference study did with its low-quality positives.

    Attributes
    ----------
    quality : the qualities to rank.
    top_fraction : the share of them to add, those with the highest confidence of a model trained without them.
    """

    quality: Sequence[str]
    top_fraction: float


@dataclass(frozen=True, slots=True)
class PositiveSubset:
    """The definition of a positive subset, from the block ``positive_subsets`` of the configuration.

    Attributes
    ----------
    name : for messages.
    quality : qualities to include completely; ``unrated`` includes the positives without one.
    call_type : only these types of call; None for all.
    add : recordings to add by rank; None for none.
    """

    name: str
    quality: Sequence[str]
    call_type: Sequence[str] | None = None
    add: RankedAddition | None = None

    @classmethod
    def from_config(cls, name: str, definition: Mapping[str, Any]) -> "PositiveSubset":
        """Build a subset from its definition. The key ``reviewed`` is left to the caller."""
        add = definition.get("add")
        return cls(
            name, definition["quality"], definition.get("call_type"), None if add is None else RankedAddition(**add)
        )


def select_positives(
    recordings: pd.DataFrame,
    subset: PositiveSubset,
    ranking: pd.DataFrame | None = None,
    reviewed: Sequence[ReviewedPositive] = (),
    pool: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Select the training positives of one subset.

    Parameters
    ----------
    recordings : checked recordings outside the pool.
    ranking : ``file_path, confidence`` of the recordings that may be added; needed if the subset adds any.
    reviewed : pool files that reviewers labeled positive, each with its positive window.
    pool : checked recordings of the pool; needed with `reviewed`. Reviewed files that it lacks are left out.

    Returns
    -------
    ``file_path, quality, call_type, confidence`` (missing unless ranked), ``recorder_id, date, night`` and ``start_s``
    (missing except for pool files), in order of path.

    Raises
    ------
    InputError
        See :func:`find_candidates`.
    ValueError
        If the subset adds recordings by rank and there is no ranking.
    """
    from_pool = pd.DataFrame(reviewed, columns=["file_path", "start_s"])
    if pool is not None and len(reviewed):
        from_pool = pool.merge(from_pool, on="file_path", validate="1:1")
    complete, addable = find_candidates(recordings, subset, may_be_empty=len(from_pool) > 0)
    complete = complete.assign(confidence=float("nan"))
    parts = [complete]
    if subset.add is not None:
        if ranking is None:
            raise ValueError(f"positive subset '{subset.name}' adds recordings by rank: pass a ranking.")
        ranked = addable.merge(ranking[["file_path", "confidence"]], on="file_path")
        ranked = ranked.sort_values(["confidence", "file_path"], ascending=[False, True])
        parts.append(ranked.head(round(subset.add.top_fraction * len(ranked))))
    parts.append(from_pool)
    selected = pd.concat([part for part in parts if len(part)] or [complete]).reindex(columns=COLUMNS)
    return selected.sort_values("file_path", ignore_index=True)


def validate_subsets(recordings: pd.DataFrame, definitions: Mapping[str, Mapping[str, Any]]) -> None:
    """Check from the manifest alone that no subset is empty; see :func:`find_candidates`.

    Parameters
    ----------
    definitions : the definition of each subset, by name, as in the configuration.
    """
    for name, definition in definitions.items():
        subset = PositiveSubset.from_config(name, definition)
        find_candidates(recordings, subset, may_be_empty=definition.get("reviewed", False))


def find_candidates(
    recordings: pd.DataFrame, subset: PositiveSubset, may_be_empty: bool = False
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Find the recordings that a subset includes completely, and those that it ranks to add some of them.

    This needs neither a ranking nor audio, so a faulty subset is found before any job starts.

    Parameters
    ----------
    recordings : rows of a manifest with assigned splits, checked or not.
    may_be_empty : whether pool files may join the subset.

    Raises
    ------
    InputError
        If the subset has no recording, or adds none and therefore equals another subset.
    """
    positives = recordings[(recordings.split == "train") & (recordings.label == "positive")]
    if subset.call_type is not None:
        positives = positives[positives.call_type.isin(subset.call_type)]
    quality = positives.quality.where(positives.quality.fillna("") != "", UNRATED)
    complete = positives[quality.isin(subset.quality)]
    addable = positives[quality.isin(subset.add.quality if subset.add else [])]
    available = f"the train split's positives have the qualities {quality.value_counts().to_dict()}"
    if subset.add and not round(subset.add.top_fraction * len(addable)):
        raise InputError(
            f"positive subset '{subset.name}' adds no recording ({subset.add.top_fraction:g} of {len(addable)} of "
            f"quality {', '.join(subset.add.quality)}): {available}. List others under add, or remove the subset from "
            "the matrix."
        )
    if complete.empty and addable.empty and not may_be_empty:
        raise InputError(
            f"positive subset '{subset.name}' holds no recording: {available}. Give quality in the manifest, or list "
            f"others in the configuration; {UNRATED} includes those without one."
        )
    return complete, addable
