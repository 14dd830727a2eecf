"""Judge whether the audit can tell hidden positives from hard negatives on this data."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hardneg.audit.hidden_positives import Estimate, RecorderDraws
from hardneg.audit.suspected_positives import Suspicion, to_logit

MIN_AUROC = 0.95
MIN_RECORDERS = 2  # of either label: with one, its files cannot be scored by models of the others
MIN_HIDDEN = 1.0
ALWAYS = "always"  # value of audit.exclude_suspected


@dataclass(frozen=True, slots=True)
class Reliability:
    """What the audit found about itself; all intervals cover 95 %.

    Attributes
    ----------
    labelled_positives, labelled_negatives, recorders : labeled files of the train split, and their recorders.
    auroc, auroc_low, auroc_high : of the cross-fitted confidences of these files; missing with fewer than two recorders
        of either class.
    pool_files : number of pool files.
    hidden, hidden_low, hidden_high : estimated number of hidden positives among them; missing if it cannot be made.
    threshold : cross-fitted confidence from which a file is a suspected positive.
    suspected : number of suspected positives.
    precision : estimated share of hidden positives among them; missing without any.
    can_tell : whether the audit can tell hidden positives from hard negatives.
    doubt : why it cannot; empty if it can.
    is_excluded : whether tiers that exclude suspected positives leave them out.
    """

    labelled_positives: int
    labelled_negatives: int
    recorders: int
    auroc: float
    auroc_low: float
    auroc_high: float
    pool_files: int
    hidden: float
    hidden_low: float
    hidden_high: float
    threshold: float
    suspected: int
    precision: float
    can_tell: bool
    doubt: str
    is_excluded: bool


def assess_reliability(
    cross_fitted: pd.DataFrame, suspicion: Suspicion, exclude_suspected: str, seed: int = 0
) -> Reliability:
    """Assess how far suspected positives can be trusted to be positives.

    Parameters
    ----------
    cross_fitted : from :func:`hardneg.audit.suspected_positives.average_passes`.
    suspicion : from :func:`hardneg.audit.suspected_positives.derive_threshold`.
    exclude_suspected : ``if_reliable`` or ``always``.
    seed : of the resampling of recorders.
    """
    is_pool = cross_fitted.origin == "pool"
    labelled, pool = cross_fitted[~is_pool], cross_fitted[is_pool]
    suspected = pool.confidence[pool.confidence >= suspicion.threshold]
    mixture = suspicion.mixture
    recorders = labelled.groupby("label").recorder_id.nunique()
    are_comparable = len(recorders) == 2 and (recorders >= MIN_RECORDERS).all()
    auroc = estimate_auroc(labelled, np.random.default_rng(seed)) if are_comparable else Estimate()
    hidden = mixture.hidden if mixture else Estimate()
    doubt = explain_doubt(auroc, hidden, suspicion)
    probability = mixture.look_up_probability(to_logit(suspected).to_numpy()) if mixture else np.empty(0)
    return Reliability(
        labelled_positives=int((labelled.label == 1).sum()),
        labelled_negatives=int((labelled.label == 0).sum()),
        recorders=labelled.recorder_id.nunique(),
        auroc=auroc.value,
        auroc_low=auroc.low,
        auroc_high=auroc.high,
        pool_files=len(pool),
        hidden=hidden.value,
        hidden_low=hidden.low,
        hidden_high=hidden.high,
        threshold=suspicion.threshold,
        suspected=len(suspected),
        precision=float(probability.mean()) if len(probability) else np.nan,
        can_tell=not doubt,
        doubt=doubt,
        is_excluded=not doubt or exclude_suspected == ALWAYS,
    )


def explain_doubt(auroc: Estimate, hidden: Estimate, suspicion: Suspicion) -> str:
    """Explain why the audit cannot tell hidden positives from hard negatives; empty if it can."""
    if suspicion.mixture is not None and np.isinf(suspicion.threshold):
        return "most of the pool scores as high as labeled positives, so its models have hardly learned anything"
    if not (np.isfinite(auroc.value) and np.isfinite(hidden.value)):
        return (
            "the train split has too few labeled positives or negatives, or too few recorders of them, to compare with"
        )
    if auroc.low < MIN_AUROC:
        return (
            "its models do not separate labeled positives from labeled negatives of other recorders well enough: the "
            f"interval of their AUROC begins at {auroc.low:.2f}, and {MIN_AUROC:.2f} is needed"
        )
    if hidden.low < MIN_HIDDEN or not suspicion.is_derived:
        return "the pool may contain no hidden positive at all"
    return ""


def estimate_auroc(labelled: pd.DataFrame, rng: np.random.Generator) -> Estimate:
    """Estimate the AUROC of labeled files: the share of pairs in which the positive scores higher.

    Parameters
    ----------
    labelled : ``recorder_id, confidence, label`` (1 or 0), one row per file.
    rng : draws the recorders.
    """
    confidence, is_positive = labelled.confidence.to_numpy(float), (labelled.label == 1).to_numpy()
    if not 0 < is_positive.sum() < len(labelled):
        return Estimate()
    order = np.argsort(confidence[~is_positive], kind="stable")
    negatives = confidence[~is_positive][order]
    lower, upper = (np.searchsorted(negatives, confidence[is_positive], side) for side in ("left", "right"))
    draws = RecorderDraws.draw(labelled.recorder_id, rng)
    aurocs = np.full(len(draws.counts), np.nan)
    for draw, counts in enumerate(draws.counts):
        weights = counts[draws.recorders]
        positive_weights, cumulated = weights[is_positive], np.append(0, np.cumsum(weights[~is_positive][order]))
        pairs = positive_weights.sum() * cumulated[-1]
        if pairs:
            aurocs[draw] = (positive_weights * (cumulated[lower] + cumulated[upper])).sum() / (2 * pairs)
    return Estimate.from_draws(aurocs)
