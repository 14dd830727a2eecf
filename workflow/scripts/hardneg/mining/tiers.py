"""Cut the ranking of mined negatives into tiers."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import pandas as pd

from hardneg.common.errors import InputError
from hardneg.common.hashing import digest, uniform
from hardneg.mining import tier_notes
from hardneg.mining.combination import select_scores
from hardneg.mining.mining_models import MEAN
from hardneg.recordings.nights import name_recorder_nights

COLUMNS = ["file_path", "confidence", "start_s", "end_s", "rank", "recorder_id", "date", "night"]
BOUNDS = ("min_confidence", "max_confidence", "top_k", "top_fraction")
NOT_BY_BOUNDS = {"random", "match_size_of", "round"}
# Suspected positives stay where the audit cannot tell them from hard negatives.
EXCLUSION_COLUMNS = {"suspected_positive": "suspected_positive_excluded"}

Definitions = Mapping[str, Mapping[str, Any]]
"""The tiers of a configuration: the keys of :class:`TierDefinition` by the tier's name."""


@dataclass(frozen=True, slots=True)
class TierDefinition:
    """Which pool files a tier contains: an entry of ``negative_tiers`` in the configuration.

    Attributes
    ----------
    min_confidence, max_confidence : files with min <= confidence < max; a maximum of 1 is included.
    top_k, top_fraction : only the hardest files within the bounds, as a number or as a share in (0, 1].
    random : a random sample of this many files.
    match_size_of : a random sample as large as this other tier.
    disjoint : with ``match_size_of``, leave out the files of that tier.
    redraw : whether a random sample is drawn again for each seed of the matrix.
    ranked_by : ``mean`` or ``minimum`` of all mining models, or the name of one.
    exclude : flags of the audit; flagged files are left out.
    per_night, per_cluster : the most files of one recorder-night (of one recorder, if the night is unknown) and of
        one cluster; the hardest are taken.
    round : round of mining, 1 or 2; ``joint`` ranks by the mean of both rounds.
    seed : seed of the random sample. The sample hashes file names, so it hardly changes when the pool grows.
    allow_empty : whether the runs of a tier without files are left out; otherwise it stops the workflow.
    """

    min_confidence: float = 0.0
    max_confidence: float = 1.0
    top_k: int | None = None
    top_fraction: float | None = None
    random: int | None = None
    match_size_of: str | None = None
    disjoint: bool = False
    redraw: bool = True
    ranked_by: str = MEAN
    exclude: Sequence[str] = ()
    per_night: int | None = None
    per_cluster: int | None = None
    round: int | str = 1
    seed: int = 0
    allow_empty: bool = True


@dataclass(frozen=True, slots=True)
class PoolTables:
    """The tables of the pool that tiers are cut from; None for a table that no definition needs.

    Attributes
    ----------
    scores : one row per pool file: ``file_path, confidence, start_s, end_s, recorder_id, date, night``; with several
        mining models, from :func:`hardneg.mining.combination.combine_scores`.
    audit : the audit's flags, from :func:`hardneg.audit.pool_audit.flag_pool_files`.
    clusters : ``file_path, cluster``.
    second_scores : the second round's scores, one row per file outside `first_round_tier`.
    first_round_tier : the tier that the second round's detector was trained on.
    """

    scores: pd.DataFrame
    audit: pd.DataFrame | None = None
    clusters: pd.DataFrame | None = None
    second_scores: pd.DataFrame | None = None
    first_round_tier: pd.DataFrame | None = None


@dataclass(frozen=True, slots=True)
class Tier:
    """A tier.

    Attributes
    ----------
    files : the columns of :data:`COLUMNS`, in order of rank; 1 is the hardest file of the pool.
    notes : sentences about what limits the tier: why it is empty, or that equal confidences decided which files it has.
    """

    files: pd.DataFrame
    notes: list[str]


def is_none(definition: Mapping[str, Any]) -> bool:
    """Whether a tier's definition selects nothing, so that its runs train without mined negatives."""
    return not set(definition) - {"seed", "allow_empty", "ranked_by", "redraw"}


def is_cut_by_confidence(definition: Mapping[str, Any]) -> bool:
    """Whether a tier contains the first round's files between two confidences, except for those it excludes."""
    others = NOT_BY_BOUNDS | {"per_night", "per_cluster"}
    return not is_none(definition) and not others & set(definition)


def is_drawn(definition: Mapping[str, Any]) -> bool:
    """Whether a tier's definition draws files at random."""
    return bool({"random", "match_size_of"} & set(definition))


def is_redrawn(definition: Mapping[str, Any]) -> bool:
    """Whether a tier's definition draws other files for each seed of the matrix."""
    return is_drawn(definition) and bool(definition.get("redraw", True))


def cut_tier(
    scores: pd.DataFrame,
    name: str,
    definition: TierDefinition,
    size: int | None = None,
    excluded: Set[str] = frozenset(),
    clusters: pd.DataFrame | None = None,
    run_seed: int | None = None,
) -> Tier:
    """Select the files of one tier from a ranking.

    Excluded files are removed first; the ranks remain those of the whole pool. Next come the bounds, the caps per
    night and cluster, and ``top_fraction`` or ``top_k``. At last, ``random`` or ``match_size_of`` draws a random
    sample. ``{match_size_of: conf85}`` alone is therefore the control: as many files as conf85, drawn from the whole
    pool. Files of equal confidence are in random order; see :func:`rank_by_confidence`.

    Parameters
    ----------
    scores : one row per pool file: ``file_path, confidence, start_s, end_s, recorder_id, date, night``.
    name : the tier's name, for messages and for the random sample.
    definition : its ``ranked_by``, ``exclude`` and ``round`` are ignored; :func:`build_tier` resolves them.
    size : number of files of the tier that ``match_size_of`` names.
    excluded : paths that the tier must not contain; see :func:`find_excluded_files`.
    clusters : ``file_path, cluster``; needed for ``per_cluster``.
    run_seed : the seed of the matrix that a random sample is drawn for; None for a sample that all seeds share.

    Raises
    ------
    InputError
        If the tier has files, but too few for its random sample.

    Examples
    --------
    >>> scores = pd.DataFrame({"file_path": ["a.wav", "b.wav", "c.wav"], "confidence": [0.3, 0.9, 0.6]})
    >>> tier = cut_tier(scores, "hard", TierDefinition(min_confidence=0.5))
    >>> tier.files[["file_path", "confidence", "rank"]]
      file_path  confidence  rank
    0     b.wav         0.9     1
    1     c.wav         0.6     2
    """
    ranked = rank_by_confidence(scores)
    ranked = ranked[~ranked.file_path.isin(excluded)]
    low, high = definition.min_confidence, definition.max_confidence
    below = ranked.confidence < high if high < 1 else ranked.confidence <= 1
    tier = ranked[(ranked.confidence >= low) & below]
    if tier.empty:
        return Tier(_select_columns(tier), [tier_notes.explain_emptiness(ranked, low, high)])
    if definition.per_night is not None:
        tier = tier[tier.groupby(name_recorder_nights(tier)).cumcount() < definition.per_night]
    if definition.per_cluster is not None:
        assert clusters is not None, "per_cluster needs the clusters of the pool"
        cluster = tier.file_path.map(clusters.set_index("file_path").cluster)
        tier = tier[tier.groupby(cluster).cumcount() < definition.per_cluster]
    count = len(tier)
    if definition.top_fraction is not None:
        count = max(round(definition.top_fraction * len(tier)), 1)
    if definition.top_k is not None:
        count = min(count, definition.top_k)
    notes = tier_notes.describe_ties(tier.confidence, count)
    tier = tier.head(count)
    salt = f"tier:{name}:{definition.seed}" + ("" if run_seed is None else f":{run_seed}")
    for sample_size, reason in ((definition.random, "random"), (size, f"match_size_of: {definition.match_size_of}")):
        if sample_size is not None:
            tier = _draw_sample(tier, sample_size, name, reason, salt)
    return Tier(_select_columns(tier), notes)


def rank_by_confidence(scores: pd.DataFrame) -> pd.DataFrame:
    """Rank the pool: the highest confidence first, and files of equal confidence in random order.

    The order of names would put the first recorder's first night on top of all files of a confidence. A hash of the
    name decides instead, the same for all tiers, so that a smaller tier is part of a larger one.

    Returns
    -------
    The rows of `scores` in order, with ``rank`` from 1.
    """
    ranked = scores.sort_values(["confidence", "file_path"], ascending=[False, True], ignore_index=True)
    tied = ranked.confidence.duplicated(keep=False)
    draws = pd.Series(0.0, index=ranked.index)
    draws[tied] = uniform(list(ranked.file_path[tied]), "tie")
    order = pd.DataFrame({"confidence": -ranked.confidence, "draw": draws}).sort_values(
        ["confidence", "draw"], kind="stable"
    )
    ranked = ranked.loc[order.index].reset_index(drop=True)
    return ranked.assign(rank=ranked.index + 1)


def select_within_bounds(scores: pd.DataFrame, definitions: Definitions) -> dict[str, pd.DataFrame]:
    """Select the files within each tier's bounds, with nothing excluded.

    Tiers that bounds alone do not define are omitted: the tier "none", random samples and tiers of a second round.
    """
    return {
        name: cut_tier(
            select_scores(scores, tier.get("ranked_by", MEAN)),
            name,
            TierDefinition(**{key: tier[key] for key in BOUNDS if key in tier}),
        ).files
        for name, tier in definitions.items()
        if not is_none(tier) and not NOT_BY_BOUNDS & set(tier)
    }


def build_tier(
    name: str, definitions: Definitions, pool: PoolTables, decisions: Mapping[str, str], run_seed: int | None = None
) -> Tier:
    """Build one tier from its definition.

    A tier of the second round (``round: 2``) contains the first round's tier, and the files outside it that its
    bounds select by the second round's scores. With ``round: joint``, the bounds apply to the mean of both rounds'
    scores.

    Parameters
    ----------
    name : the tier's name.
    definitions : at least the definitions of this tier and of the tier that it matches. A matched tier uses the
        ranking of the tier that it matches.
    pool : the tables of the pool.
    decisions : the label of each reviewed file.
    run_seed : the seed of the matrix that a redrawn tier is for; see :func:`is_redrawn`. None otherwise.

    Returns
    -------
    See :func:`cut_tier`. A tier of the second round starts with the first round's tier. Its column ``round`` is the
    round of each file, and ``rank`` is the rank within that round. A tier that takes the size of an empty tier is
    empty.

    Raises
    ------
    InputError
        If the tier is empty and ``allow_empty`` is false, or if it has files but too few for its random sample.
    """
    tier = _build(name, definitions, pool, decisions, run_seed)
    if tier.files.empty and not TierDefinition(**definitions[name]).allow_empty:
        raise InputError(
            f"negative tier '{name}' is empty. {' '.join(tier.notes)} Change the tier, or remove allow_empty: false to "
            "leave it out and run the others."
        )
    return tier


def _build(
    name: str, definitions: Definitions, pool: PoolTables, decisions: Mapping[str, str], run_seed: int | None
) -> Tier:
    definition = TierDefinition(**definitions[name])
    matched = definition.match_size_of
    ranked_by = definitions[matched].get("ranked_by", MEAN) if matched else definition.ranked_by
    matched_tier = None
    if matched:
        matched_seed = run_seed if is_redrawn(definitions[matched]) else None
        matched_tier = _build(matched, definitions, pool, decisions, matched_seed).files
        if matched_tier.empty:
            return Tier(matched_tier[COLUMNS], [f"Tier '{matched}', whose size it takes, is empty."])
    size = None if matched_tier is None else len(matched_tier)
    excluded = find_excluded_files(decisions, pool.audit, definition.exclude)
    if matched_tier is not None and definition.disjoint:
        excluded |= set(matched_tier.file_path)
    first_scores = select_scores(pool.scores, ranked_by)
    if definition.round == 1:
        return cut_tier(first_scores, name, definition, size, excluded, pool.clusters, run_seed)
    assert pool.second_scores is not None and pool.first_round_tier is not None, "the second round has not run"
    second_scores = pool.second_scores
    ranking = _average_rounds(first_scores, second_scores) if definition.round == "joint" else second_scores
    added = cut_tier(ranking, name, definition, size, excluded, pool.clusters)
    if added.files.empty:  # the tier would equal that of the first round
        return Tier(added.files, [f"The second round adds no file. {note}" for note in added.notes])
    carried_over = pool.first_round_tier[~pool.first_round_tier.file_path.isin(excluded)]
    parts = [carried_over.assign(round=1)] * bool(len(carried_over)) + [added.files.assign(round=2)]
    return Tier(pd.concat(parts, ignore_index=True)[[*COLUMNS, "round"]], added.notes)


def hash_review_effect(
    name: str, definitions: Definitions, pool: PoolTables, decisions: Mapping[str, str], run_seed: int | None = None
) -> str:
    """Hash the effect of a review on a tier, so that only the tiers that it changes are built again.

    Parameters
    ----------
    name, definitions, pool, decisions, run_seed : see :func:`build_tier`.

    Returns
    -------
    ``""`` if the tier contains the same files as without the review. Otherwise, a hash of its files, or of the reason
    why it cannot be built.
    """
    reviewed, unreviewed = (_list_files(name, definitions, pool, labels, run_seed) for labels in (decisions, {}))
    return "" if reviewed == unreviewed else digest(reviewed)


def find_excluded_files(decisions: Mapping[str, str], audit: pd.DataFrame | None, exclude: Sequence[str]) -> set[str]:
    """Find the files that a tier must not contain.

    Parameters
    ----------
    decisions : the label of each reviewed file, from :func:`hardneg.review.review_table.resolve_conflicts`. Positive
        and uncertain files are excluded from every tier. A negative file stays, even if the audit flags it.
    audit : from :func:`hardneg.audit.pool_audit.flag_pool_files`; needed if `exclude` names a flag.
    exclude : flags of the audit.
    """
    not_negative = {path for path, label in decisions.items() if label != "negative"}
    if not exclude:
        return not_negative
    assert audit is not None, "exclude needs the audit of the pool"
    # Planning may read the audit of an older version, which lacks the column.
    columns = [column if (column := EXCLUSION_COLUMNS.get(flag, flag)) in audit else flag for flag in exclude]
    flagged = set(audit.file_path[audit[columns].any(axis=1)])
    return not_negative | (flagged - {path for path, label in decisions.items() if label == "negative"})


def _list_files(
    name: str, definitions: Definitions, pool: PoolTables, decisions: Mapping[str, str], run_seed: int | None
) -> list[str]:
    try:
        return list(build_tier(name, definitions, pool, decisions, run_seed).files.file_path)
    except InputError as error:
        return [f"not made: {error}"]


def _average_rounds(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    first_confidence = second.file_path.map(first.set_index("file_path").confidence)
    return second.assign(confidence=(second.confidence + first_confidence) / 2)


def _select_columns(tier: pd.DataFrame) -> pd.DataFrame:
    return tier.reindex(columns=COLUMNS).reset_index(drop=True)


def _draw_sample(tier: pd.DataFrame, size: int, name: str, reason: str, salt: str) -> pd.DataFrame:
    if len(tier) < size:
        raise InputError(
            f"negative tier '{name}' needs {size} files ({reason}), but only {len(tier)} are within its bounds. Widen "
            "the bounds or match a smaller tier: a fair comparison needs tiers of the same size."
        )
    draws = pd.Series(uniform(list(tier.file_path), salt), index=tier.index)
    return tier[draws.rank(method="first") <= size]
