"""Find pool files that cross-fitted models score as high as labeled positives."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import expit, logit


def average_passes(passes: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Average each file's confidences over the passes, as logits.

    The confidence of a single training is in good part chance; the mean of several is more reliable.

    Parameters
    ----------
    passes : the scores of every fold of every pass, from :func:`hardneg.audit.cross_fit.score_fold`.

    Returns
    -------
    ``file_path, confidence, label, origin``: one row per file.
    """
    scores = pd.concat(passes)
    logits = logit(scores.confidence.astype(float).clip(1e-6, 1 - 1e-6))
    by_file = scores.assign(confidence=logits).groupby("file_path", sort=False, as_index=False)
    mean = by_file.agg({"confidence": "mean", "label": "first", "origin": "first"})
    return mean.assign(confidence=expit(mean.confidence))


def find_suspects(passes: Sequence[pd.DataFrame], percentile: float) -> set[str]:
    """Find the pool files that any pass scores at or above :func:`compute_threshold`; none without a pass.

    Parameters
    ----------
    passes : see :func:`average_passes`.
    percentile : percentile of the labeled positives' confidences, over all passes.

    Returns
    -------
    Paths of the files.
    """
    if not passes:
        return set()
    cross_fitted = pd.concat(passes)
    is_suspect = cross_fitted.confidence >= compute_threshold(cross_fitted, percentile)
    return set(cross_fitted.file_path[is_suspect & (cross_fitted.origin == "pool")])


def compute_threshold(cross_fitted: pd.DataFrame, percentile: float) -> float:
    """Compute a percentile of the labeled positives' cross-fitted confidences; infinity without labeled positives."""
    positives = cross_fitted.confidence[cross_fitted.label == 1]
    return float(np.quantile(positives, percentile / 100)) if len(positives) else np.inf
