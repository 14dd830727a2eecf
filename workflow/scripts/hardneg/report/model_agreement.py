"""How far the mining models agree on what is hard: what one alone finds hard may be its artefact."""

from itertools import combinations

import pandas as pd

from hardneg.mining.combination import list_scored_models
from hardneg.mining.mining_models import MEAN
from hardneg.mining.tiers import select_within_bounds


def describe(scores: pd.DataFrame, definitions: dict[str, dict], hard: float) -> dict | None:
    """Compare the models over the pool and within the tiers.

    Parameters
    ----------
    scores : one row per pool file; see :func:`hardneg.mining.combination.combine_scores`.
    definitions : of the tiers; drawn ones (``random``, ``match``) are left aside.
    hard : the confidence from which a file is hard to a model.

    Returns
    -------
    None for a single model, else ``models``; ``correlations``, a row per pair with ``first, second`` and ``rank``
    (Spearman's, over the files of the pool); ``hard``; ``alone``, a row per model with ``name`` and ``files`` that it
    alone finds hard; and ``tiers``, a row per tier: ``name``, ``by``, ``files`` within its bounds, ``all`` (those of
    them that every model by itself would put into the tier), ``share`` of these, and ``one`` (that one model alone
    would).
    """
    models = list_scored_models(scores)
    if not models:
        return None
    confidences = scores[[f"confidence_{model}" for model in models]].set_axis(models, axis=1)
    correlation = confidences.rank().corr()
    found = confidences >= hard
    alone = found[found.sum(axis=1) == 1].sum()
    by_model = {
        model: select_within_bounds(scores, {name: tier | {"ranked_by": model} for name, tier in definitions.items()})
        for model in models
    }
    rows = []
    for name, tier in select_within_bounds(scores, definitions).items():
        votes = sum(tier.file_path.isin(held[name].file_path).astype(int) for held in by_model.values())
        everyone = int((votes == len(models)).sum())
        rows.append(
            {
                "name": name,
                "by": definitions[name].get("ranked_by", MEAN),
                "files": len(tier),
                "all": everyone,
                "share": everyone / len(tier) if len(tier) else None,
                "one": int((votes == 1).sum()),
            }
        )
    return {
        "models": models,
        "correlations": [
            {"first": first, "second": second, "rank": correlation.loc[first, second]}
            for first, second in combinations(models, 2)
        ],
        "hard": hard,
        "alone": [{"name": model, "files": int(alone[model])} for model in models],
        "tiers": rows,
    }
