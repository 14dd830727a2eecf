"""What cross-fitted confidences say: which files of the pool score as labelled positives do."""

import numpy as np
import pandas as pd
from scipy.special import expit, logit


def average(passes: pd.DataFrame) -> pd.DataFrame:
    """Average each file's confidences over passes, as logits: a single training's certainty is to a good part chance.

    Parameters
    ----------
    passes : the scores of every fold of every pass.

    Returns
    -------
    ``file_path, confidence, label, origin``: one row per file.
    """
    inside = logit(passes.confidence.astype(float).clip(1e-6, 1 - 1e-6))
    by_file = passes.assign(confidence=inside).groupby("file_path", sort=False, as_index=False)
    mean = by_file.agg({"confidence": "mean", "label": "first", "origin": "first"})
    return mean.assign(confidence=expit(mean.confidence))


def suspects(cross_fitted: pd.DataFrame, percentile: float) -> set[str]:
    """Paths of the pool files that score as labelled positives do; see :func:`positive_level`."""
    above = cross_fitted.confidence >= positive_level(cross_fitted, percentile)
    return set(cross_fitted.file_path[above & (cross_fitted.origin == "pool")])


def positive_level(cross_fitted: pd.DataFrame, percentile: float) -> float:
    """The given percentile of the labelled positives' cross-fitted confidences; infinite where there are none."""
    positives = cross_fitted.confidence[cross_fitted.label == 1]
    return float(np.quantile(positives, percentile / 100)) if len(positives) else np.inf
