"""Mine the remaining pool a second time, with a detector trained on the first round's tier."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from hardneg.mining.tiers import Definitions, is_none

USUAL_THRESHOLDS = (0.5, 0.85, 0.99)


@dataclass(frozen=True, slots=True)
class SecondRoundSettings:
    """Training data of the second round's detector.

    Attributes
    ----------
    negative_tier : the first round's tier; None if the matrix has none that could serve.
    positive_subset : the subset of labelled positives.
    seed : seed of the training.
    """

    negative_tier: str | None
    positive_subset: str
    seed: int


def resolve_settings(config: Mapping[str, Any]) -> SecondRoundSettings:
    """Fill in the settings that ``mining.second_round`` leaves out.

    Parameters
    ----------
    config : the complete configuration.

    Returns
    -------
    By default, the tier is the first of the matrix that the first round mines. The positive subset and the seed are
    those of the mining model.
    """
    mining, tiers = config["mining"], config["negative_tiers"]
    first_round = (name for name in config["matrix"]["negative_tier"] if name in tiers and _is_mined_first(tiers[name]))
    defaults = {
        "negative_tier": next(first_round, None),
        "positive_subset": mining["positive_subset"],
        "seed": mining.get("seeds", [mining["seed"]])[0],
    }
    return SecondRoundSettings(**defaults | mining["second_round"])


def list_thresholds(definitions: Definitions) -> list[float]:
    """List the confidences at which to compare the rounds: the usual ones, and the lower bound of each tier."""
    bounds = {tier["min_confidence"] for tier in definitions.values() if "min_confidence" in tier}
    return sorted(bounds | set(USUAL_THRESHOLDS))


def compare_rounds(
    first: pd.DataFrame, second: pd.DataFrame, first_round_tier: pd.DataFrame, thresholds: Sequence[float]
) -> pd.DataFrame:
    """Count which files each round of mining finds hard.

    Parameters
    ----------
    first : the first round's scores, one row per pool file.
    second : the second round's scores, one row per file outside `first_round_tier`.
    first_round_tier : the tier that the second round's detector was trained on.
    thresholds : from :func:`list_thresholds`.

    Returns
    -------
    One row per threshold (``min_confidence``), each counting the files at or above it:

    - ``taken``: files of the tier, by the first round's scores;
    - ``first_round``, ``second_round``: the other files, by each round's scores;
    - ``added``, ``dropped``: the other files that only the second, or only the first round scores so high;
    - ``overlap``: if the second round has n files, the share of them that are also among the first round's n hardest;
      missing if n is 0.

    The confidences of two detectors are not on one scale, but their rankings are comparable. The last row therefore
    counts the ``top_k`` hardest remaining files of each round, where ``top_k`` is the size of the tier.
    """
    remaining = second[["file_path", "confidence"]].merge(
        first[["file_path", "confidence"]], on="file_path", validate="1:1", suffixes=("_second", "_first")
    )
    tier_scores = first[first.file_path.isin(first_round_tier.file_path)]
    first_rank, second_rank = (
        remaining[column].rank(method="first", ascending=False) for column in ("confidence_first", "confidence_second")
    )
    rows = []
    for threshold in thresholds:
        row = {"min_confidence": threshold, "taken": int((tier_scores.confidence >= threshold).sum())}
        in_first, in_second = remaining.confidence_first >= threshold, remaining.confidence_second >= threshold
        rows.append(row | _count_files(in_first, in_second, first_rank))
    top_k = len(first_round_tier)
    rows.append({"top_k": top_k, "taken": top_k} | _count_files(first_rank <= top_k, second_rank <= top_k, first_rank))
    return pd.DataFrame(rows).astype({"top_k": "Int64"})


def _count_files(in_first: pd.Series, in_second: pd.Series, first_rank: pd.Series) -> dict[str, float]:
    return {
        "first_round": int(in_first.sum()),
        "second_round": int(in_second.sum()),
        "added": int((in_second & ~in_first).sum()),
        "dropped": int((in_first & ~in_second).sum()),
        "overlap": float((first_rank[in_second] <= in_second.sum()).mean()),
    }


def _is_mined_first(definition: Mapping[str, Any]) -> bool:
    return not is_none(definition) and "round" not in definition
