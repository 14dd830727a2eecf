"""Mine again what the first round's tier left, with a detector that trained on that tier."""

import pandas as pd

from hardneg.mining.tiers import is_none

SHOWN = (0.5, 0.85, 0.99)


def settings(config: dict) -> dict:
    """What the second round's detector trains on, with what the configuration leaves out filled in.

    Parameters
    ----------
    config : the configuration, complete.

    Returns
    -------
    ``negative_tier`` (the first of the matrix that mines and is cut from the first round, unless given),
    ``positive_subset`` and ``seed`` (the mining model's, unless given). The tier is missing where there is none.
    """
    mining, tiers = config["mining"], config["negative_tiers"]
    first = [name for name in config["matrix"]["negative_tier"] if name in tiers and _is_first(tiers[name])]
    filled = {"positive_subset": mining["positive_subset"], "seed": mining["seed"]}
    return ({"negative_tier": first[0]} if first else {}) | filled | mining["second_round"]


def thresholds(definitions: dict[str, dict]) -> list[float]:
    """The confidences to count by: the usual ones, and those at which a tier begins."""
    begun = {tier["min_confidence"] for tier in definitions.values() if "min_confidence" in tier}
    return sorted(begun | set(SHOWN))


def compare(first: pd.DataFrame, second: pd.DataFrame, taken: pd.DataFrame, confidences: list[float]) -> pd.DataFrame:
    """Say what the second round added.

    Parameters
    ----------
    first : the first round's scores, one row per pool file.
    second : the second round's, one row per file that was not taken.
    taken : the tier that the second round's detector trained on.
    confidences : from :func:`thresholds`.

    Returns
    -------
    One row per confidence (``min_confidence``): ``taken``, the tier's files that the first round scored so high; of
    the others those that the ``first_round`` did, that the ``second_round`` did, that only the second did (``added``)
    and only the first (``dropped``); and ``overlap``, the share of the second round's files that are among as many of
    the first's hardest (missing where there are none). A last row (``top_k``) counts in the same way the hardest of
    each round that are as many as were taken: the rounds' confidences are not on one scale, their rankings are.
    """
    left = second[["file_path", "confidence"]].merge(
        first[["file_path", "confidence"]], on="file_path", validate="1:1", suffixes=("_second", "_first")
    )
    held = first[first.file_path.isin(taken.file_path)]
    places = {column: left[column].rank(method="first", ascending=False) for column in left.columns[1:]}
    rows = []
    for confidence in confidences:
        before, after = left.confidence_first >= confidence, left.confidence_second >= confidence
        row = {"min_confidence": confidence, "taken": int((held.confidence >= confidence).sum())}
        rows.append(row | _counts(before, after, places["confidence_first"]))
    most = len(taken)
    before, after = (places[f"confidence_{name}"] <= most for name in ("first", "second"))
    rows.append({"top_k": most, "taken": most} | _counts(before, after, places["confidence_first"]))
    return pd.DataFrame(rows).astype({"top_k": "Int64"})


def _counts(before: pd.Series, after: pd.Series, place: pd.Series) -> dict:
    return {
        "first_round": int(before.sum()),
        "second_round": int(after.sum()),
        "added": int((after & ~before).sum()),
        "dropped": int((before & ~after).sum()),
        "overlap": float((place[after] <= after.sum()).mean()),
    }


def _is_first(tier: dict) -> bool:
    return not is_none(tier) and "round" not in tier
