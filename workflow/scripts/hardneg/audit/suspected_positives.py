"""Find pool files that cross-fitted models score as high as labeled positives."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit, logit

from hardneg.audit.hidden_positives import HIGHEST_QUANTILE, ScoreMixture, fit_mixture

MIN_POSITIVES = 2  # a density needs two
MIN_PROBABILITY = 0.6
FALLBACK_PERCENTILE = 30
MOST_SUSPECTED = 0.5  # share of the pool
LOGIT_RANGE = (1e-6, 1 - 1e-6)  # keeps logits finite


@dataclass(frozen=True, slots=True)
class Suspicion:
    """From which cross-fitted confidence on a pool file is a suspected positive.

    Attributes
    ----------
    threshold : the confidence; infinity if no file is suspected.
    mixture : the estimate behind it; None with fewer than two labeled positives.
    is_derived : whether the threshold is where hidden positives become probable. Otherwise, it is a percentile of the
        labeled positives.
    """

    threshold: float
    mixture: ScoreMixture | None
    is_derived: bool


def average_passes(passes: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Average each file's confidences over the passes, as logits.

    The confidence of a single training is in good part chance; the mean of several is more reliable.

    Parameters
    ----------
    passes : the scores of every fold of every pass, from :func:`hardneg.audit.cross_fit.score_fold`.

    Returns
    -------
    ``file_path, recorder_id, confidence, label, origin``: one row per file.
    """
    scores = pd.concat(passes)
    by_file = scores.assign(confidence=to_logit(scores.confidence)).groupby("file_path", sort=False, as_index=False)
    mean = by_file.agg({"recorder_id": "first", "confidence": "mean", "label": "first", "origin": "first"})
    return mean.assign(confidence=expit(mean.confidence))


def find_suspects(passes: Sequence[pd.DataFrame], percentile: float | None) -> set[str]:
    """Find the pool files that the passes suspect on average, and that later passes must not train on.

    Without a percentile, these are only files that are probably hidden positives. Where the audit cannot tell, leaving
    out the hardest negatives would make them look like positives.

    Parameters
    ----------
    passes : see :func:`average_passes`; may be empty.
    percentile : see :func:`derive_threshold`.

    Returns
    -------
    Paths of the files.
    """
    if not passes:
        return set()
    cross_fitted = average_passes(passes)
    suspicion = derive_threshold(cross_fitted, percentile)
    if percentile is None and not suspicion.is_derived:
        return set()
    is_suspect = cross_fitted.confidence >= suspicion.threshold
    return set(cross_fitted.file_path[is_suspect & (cross_fitted.origin == "pool")])


def derive_threshold(cross_fitted: pd.DataFrame, percentile: float | None, seed: int = 0) -> Suspicion:
    """Derive from which confidence on a pool file is a suspected positive.

    This is where the estimated probability that a file is a hidden positive reaches :data:`MIN_PROBABILITY`; see
    :func:`hardneg.audit.hidden_positives.fit_mixture`. If it never does, files at or above the
    :data:`FALLBACK_PERCENTILE` of the labeled positives are suspected, for a person to listen to. None is suspected if
    this would be most of the pool: the models have then learned nothing.

    Parameters
    ----------
    cross_fitted : from :func:`average_passes`.
    percentile : a percentile of the labeled positives to use instead; None to derive the threshold.
    seed : of the resampling of recorders.
    """
    scored = cross_fitted.assign(score=to_logit(cross_fitted.confidence))
    positives, pool = scored[scored.origin == "positive"], scored[scored.origin == "pool"]
    if len(positives) < MIN_POSITIVES or pool.empty:
        return Suspicion(np.inf, None, is_derived=False)
    mixture = fit_mixture(positives, pool, np.random.default_rng(seed))
    if percentile is None:
        threshold = mixture.find_threshold(MIN_PROBABILITY, float(np.quantile(positives.score, HIGHEST_QUANTILE)))
        if np.isfinite(threshold):
            return Suspicion(float(expit(threshold)), mixture, is_derived=True)
    share = (FALLBACK_PERCENTILE if percentile is None else percentile) / 100
    threshold = float(np.quantile(positives.score, share))
    if percentile is None and (pool.score >= threshold).mean() > MOST_SUSPECTED:
        threshold = np.inf
    return Suspicion(float(expit(threshold)) if np.isfinite(threshold) else np.inf, mixture, is_derived=False)


def to_logit(confidences: pd.Series) -> pd.Series:
    """Convert confidences to logits, without infinite ones."""
    logits: npt.NDArray[np.float64] = logit(confidences.astype(float).clip(*LOGIT_RANGE))
    return pd.Series(logits, index=confidences.index)
