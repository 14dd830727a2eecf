"""Cut the ranking of mined negatives into tiers."""

from collections.abc import Set

import pandas as pd

from hardneg.common.errors import InputError
from hardneg.common.hashing import digest, uniform
from hardneg.mining.combination import scored_by
from hardneg.mining.mining_models import MEAN
from hardneg.recordings.nights import name_recorder_nights

COLUMNS = ["file_path", "confidence", "start_s", "end_s", "rank", "recorder_id", "date"]


def is_none(tier: dict) -> bool:
    """Whether a tier's definition chooses nothing, so that its runs train on no mined negative."""
    return not set(tier) - {"seed", "allow_empty", "ranked_by"}


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
    match_size_of: str | None = None,
    match_files: int | None = None,
    left_out: Set[str] = frozenset(),
    per_night: int | None = None,
    per_cluster: int | None = None,
    clusters: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Choose the files of one tier.

    What is to be left out goes first; ranks are still those of the whole pool. The bounds are applied then, then
    ``top_k`` or ``top_fraction``, and what is left is cut at random to ``random`` files or to the size of another tier.
    So ``{match_size_of: conf85}`` alone is the control: as many files as conf85 holds, drawn from the whole pool.

    Parameters
    ----------
    scores : one row per pool file: ``file_path, confidence, start_s, end_s, recorder_id, date``.
    name : of the tier, for messages and for its own random draw.
    min_confidence, max_confidence : files with min <= confidence < max; a maximum of 1 is included.
    top_k, top_fraction : keep the hardest files only, by number or as a share in (0, 1].
    random : keep this many, at random.
    allow_empty : let the tier hold nothing.
    seed : of the random draw, which hashes names: a file's place in it never changes.
    match_size_of, match_files : the other tier's name and its number of files.
    left_out : paths that the tier may not hold; see :func:`hardneg.review.review_table.left_out`.
    per_night, per_cluster : at most so many of one recorder-night (one recorder, where the date is unknown) and of one
        cluster, the hardest of them.
    clusters : ``file_path, cluster``; needed for `per_cluster`.

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
    ranked = ranked[~ranked.file_path.isin(left_out)]
    below = ranked.confidence < max_confidence if max_confidence < 1 else ranked.confidence <= 1
    held = ranked[(ranked.confidence >= min_confidence) & below]
    if held.empty and not allow_empty:
        raise InputError(_nothing_held(ranked, name, min_confidence, max_confidence))
    if per_night is not None:
        held = held[held.groupby(name_recorder_nights(held)).cumcount() < per_night]
    if per_cluster is not None:
        cluster = held.file_path.map(clusters.set_index("file_path").cluster)
        held = held[held.groupby(cluster).cumcount() < per_cluster]
    if top_fraction is not None:
        held = held.head(max(round(top_fraction * len(held)), 1))
    if top_k is not None:
        held = held.head(top_k)
    for size, source in ((random, "random"), (match_files, f"match_size_of: {match_size_of}")):
        if size is not None:
            held = _draw(held, size, name, source, seed)
    return held.reindex(columns=COLUMNS).reset_index(drop=True)


def by_bounds(scores: pd.DataFrame, definitions: dict[str, dict]) -> dict[str, pd.DataFrame]:
    """What each tier would hold if nothing were left out; drawn tiers and those of a second round are left aside."""
    bounds, not_cut_here = (
        ("min_confidence", "max_confidence", "top_k", "top_fraction"),
        {"random", "match_size_of", "round"},
    )
    return {
        name: assign(
            scored_by(scores, tier.get("ranked_by", MEAN)),
            name,
            allow_empty=True,
            **{key: tier[key] for key in bounds if key in tier},
        )
        for name, tier in definitions.items()
        if not is_none(tier) and not not_cut_here & set(tier)
    }


def build(
    name: str,
    definitions: dict[str, dict],
    scores: pd.DataFrame,
    audited: pd.DataFrame | None,
    clusters: pd.DataFrame | None,
    decisions: dict[str, str],
    second: pd.DataFrame | None = None,
    taken: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Make one tier from its definition; see :func:`assign` for the keys and the result.

    A tier of the second round (``round: 2``) holds what the first round's chosen tier took and, of the other files,
    those that its bounds choose by the second round's scores; with ``round: joint`` by the mean of both rounds'.

    Parameters
    ----------
    name, definitions : the tier's name, and the definitions of it and of the tier that it matches.
    scores : one row per pool file; where several models mined, from :func:`hardneg.mining.combination.combine`. A matched tier
        is cut by what the tier that it matches is cut by.
    audited, clusters : the audit's flags and the pool's clusters; None where the definitions do not need them.
    decisions : the reviewed files' labels.
    second : the second round's scores, one row per file that was not taken; None where no definition needs them, as
        `taken`, the tier that was.

    Returns
    -------
    A tier of the second round begins with what was taken, and its column ``round`` says which round a file is of; its
    ``rank`` is the one in that round.
    """
    definition = dict(definitions[name])
    kept_out = left_out(decisions, audited, definition.pop("exclude", []))
    other = definition.get("match_size_of")
    by = definitions[other or name].get("ranked_by", MEAN)
    definition.pop("ranked_by", None)
    size = len(build(other, definitions, scores, audited, clusters, decisions, second, taken)) if other else None
    chosen = scored_by(scores, by)
    mined = definition.pop("round", 1)
    ranking = {1: chosen, 2: second}[mined] if mined != "joint" else _joint(chosen, second)
    tier = assign(ranking, name, match_files=size, left_out=kept_out, clusters=clusters, **definition)
    if mined == 1:
        return tier
    kept = taken[~taken.file_path.isin(kept_out)]
    return pd.concat([kept.assign(round=1), tier.assign(round=2)], ignore_index=True)[[*COLUMNS, "round"]]


def touched_by_review(
    name: str,
    definitions: dict[str, dict],
    scores: pd.DataFrame,
    audited: pd.DataFrame | None,
    clusters: pd.DataFrame | None,
    decisions: dict[str, str],
    second: pd.DataFrame | None = None,
    taken: pd.DataFrame | None = None,
) -> str:
    """Tell a tier that a review changes from one that it does not touch.

    Parameters
    ----------
    name, definitions, scores, audited, clusters, decisions, second, taken : see :func:`build`.

    Returns
    -------
    ``""`` if the tier holds the same files as without the review, else a hash of its files (or the reason why it
    cannot be made).
    """
    pool = (name, definitions, scores, audited, clusters)
    with_it, without = (_paths(*pool, decided, second, taken) for decided in (decisions, {}))
    return "" if with_it == without else digest(with_it)


def _paths(*pool) -> list[str]:
    try:
        return list(build(*pool).file_path)
    except InputError as error:
        return [f"not made: {error}"]


def _joint(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    before = second.file_path.map(first.set_index("file_path").confidence)
    return second.assign(confidence=(second.confidence + before) / 2)


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


def left_out(decisions: dict[str, str], audited: pd.DataFrame | None, exclude: list[str]) -> set[str]:
    """Say which files a tier may not hold.

    Parameters
    ----------
    decisions : from :func:`resolve`. Positive and uncertain files are left out of every tier; a negative one stays,
        whatever the audit says.
    audited : from :func:`hardneg.audit.pool_audit.flag`; needed where `exclude` names a flag.
    exclude : the flags that keep a file out.
    """
    reviewed = {path for path, label in decisions.items() if label != "negative"}
    if not exclude:
        return reviewed
    flagged = set(audited.file_path[audited[list(exclude)].any(axis=1)])
    return reviewed | (flagged - {path for path, label in decisions.items() if label == "negative"})
