"""Measure how far the mining models agree on which files are hard.

A file that one model alone finds hard may be an artifact of that model.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from itertools import combinations

import pandas as pd

from hardneg.mining.combination import list_scored_models
from hardneg.mining.mining_models import MEAN
from hardneg.mining.tiers import Definitions, select_within_bounds


@dataclass(frozen=True, slots=True)
class ModelPair:
    """Two mining models and Spearman's rank correlation of their scores over the pool."""

    first: str
    second: str
    rank_correlation: float


@dataclass(frozen=True, slots=True)
class TierAgreement:
    """Numbers of models that agree on the files of a tier.

    Attributes
    ----------
    name, ranked_by : the tier, and the model (or combination) that ranks it.
    files : within the tier's bounds.
    by_every_model : files that each model by itself puts into the tier.
    share : `by_every_model` as a share of `files`; None for an empty tier.
    by_one_model : files that a single model puts into the tier.
    jaccard : mean over pairs of models of the shared files as a share of all files that either puts into the tier;
        None if no model puts any file into it.
    """

    name: str
    ranked_by: str
    files: int
    by_every_model: int
    share: float | None
    by_one_model: int
    jaccard: float | None


@dataclass(frozen=True, slots=True)
class ModelAgreement:
    """Agreement of several mining models.

    Attributes
    ----------
    models : their names.
    pairs : rank correlations.
    hard_confidence : the confidence from which a file counts as hard.
    hard_for_one_model : files of the pool that only this model finds hard, by model.
    tiers : agreement within the bounds of each tier.
    """

    models: list[str]
    pairs: list[ModelPair]
    hard_confidence: float
    hard_for_one_model: dict[str, int]
    tiers: list[TierAgreement]


def compare_models(scores: pd.DataFrame, definitions: Definitions, hard_confidence: float) -> ModelAgreement | None:
    """Compare the mining models over the pool and within the tiers.

    Parameters
    ----------
    scores : one row per pool file; see :func:`hardneg.mining.combination.combine_scores`.
    definitions : of the tiers; those drawn at random (``random``, ``match_size_of``) are ignored.
    hard_confidence : the confidence from which a file is hard for a model.

    Returns
    -------
    None for a single model.
    """
    models = list_scored_models(scores)
    if not models:
        return None
    confidences = scores[[f"confidence_{model}" for model in models]].set_axis(models, axis=1)
    correlation = confidences.rank().corr()
    hard = confidences >= hard_confidence
    hard_for_one = hard[hard.sum(axis=1) == 1].sum()
    by_model = {
        model: select_within_bounds(scores, {name: {**tier, "ranked_by": model} for name, tier in definitions.items()})
        for model in models
    }
    tiers = []
    for name, tier in select_within_bounds(scores, definitions).items():
        votes = sum(tier.file_path.isin(files[name].file_path).astype(int) for files in by_model.values())
        by_every_model = int((votes == len(models)).sum())
        tiers.append(
            TierAgreement(
                name=name,
                ranked_by=definitions[name].get("ranked_by", MEAN),
                files=len(tier),
                by_every_model=by_every_model,
                share=by_every_model / len(tier) if len(tier) else None,
                by_one_model=int((votes == 1).sum()),
                jaccard=measure_jaccard([set(files[name].file_path) for files in by_model.values()]),
            )
        )
    return ModelAgreement(
        models=models,
        pairs=[
            ModelPair(first, second, float(correlation.loc[first, second])) for first, second in combinations(models, 2)
        ],
        hard_confidence=hard_confidence,
        hard_for_one_model={model: int(hard_for_one[model]) for model in models},
        tiers=tiers,
    )


def measure_jaccard(sets: Sequence[Set[str]]) -> float | None:
    """Average the Jaccard index of all pairs: shared members as a share of all members of either set.

    Pairs of empty sets do not count; None if there is no other pair.

    >>> measure_jaccard([{"a", "b"}, {"b", "c"}])
    0.3333333333333333
    """
    pairs = [(first & second, first | second) for first, second in combinations(sets, 2)]
    indexes = [len(shared) / len(either) for shared, either in pairs if either]
    return sum(indexes) / len(indexes) if indexes else None
