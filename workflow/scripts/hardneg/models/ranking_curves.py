"""Operating points, average precision and AUROC of file scores.

scikit-learn computes the same. Importing it takes each job as long as all its other imports except torch, and a matrix
has hundreds of jobs. In `docs/working/dependencies.md` you find the measurement.
``HARDNEG_USE_LIBRARIES=average_precision`` switches the own computation off.

Data layout: files sorted by falling confidence; one operating point after each group of equal confidences::

    confidence        0.9   0.8   0.8   0.3         sorted, falling
    positive?         yes   yes   no    no
    positives so far  1     2     2     2
    last of equals    *           *     *           thresholds 0.9, 0.8, 0.3
                      tp 1        tp 2  tp 2
                      fp 0        fp 1  fp 2
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hardneg.common.library_switch import uses_library

Labels = npt.NDArray[np.integer]
Confidences = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class RankingCurve:
    """What is flagged at each threshold; all arrays have one entry per threshold.

    Attributes
    ----------
    thresholds : each confidence that occurs, the highest first.
    tp, fp : flagged positives and flagged negatives.
    """

    thresholds: Confidences
    tp: npt.NDArray[np.int64]
    fp: npt.NDArray[np.int64]


def trace_ranking_curve(labels: Labels, confidences: Confidences) -> RankingCurve:
    """Count what is flagged when each confidence that occurs is the threshold.

    Parameters
    ----------
    labels : 1 or 0, shape (n,).
    confidences : in [0, 1], shape (n,).
    """
    order = np.argsort(-confidences, kind="stable")
    ranked, positives = confidences[order], np.cumsum(labels[order] == 1)
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    return RankingCurve(ranked[last], positives[last], last + 1 - positives[last])


def average_precision(labels: Labels, confidences: Confidences) -> float:
    """Compute the mean of precision over thresholds, each weighted by the recall that it adds, without interpolation.

    At least one positive must be present.

    >>> average_precision(np.array([1, 0, 1]), np.array([0.9, 0.8, 0.7]))
    0.8333333333333333
    """
    if uses_library("average_precision"):
        from sklearn.metrics import average_precision_score

        return float(average_precision_score(labels, confidences))
    curve = trace_ranking_curve(labels, confidences)
    precision_steps = np.diff(curve.tp, prepend=0) * curve.tp / (curve.tp + curve.fp)
    return float(np.sum(precision_steps) / curve.tp[-1])


def auroc(labels: Labels, confidences: Confidences) -> float:
    """Compute the area under the receiver operating characteristic by trapezoids; both classes must be present."""
    if uses_library("average_precision"):
        from sklearn.metrics import roc_auc_score

        return float(roc_auc_score(labels, confidences))
    curve = trace_ranking_curve(labels, confidences)
    return float(np.trapezoid(np.append(0, curve.tp) / curve.tp[-1], np.append(0, curve.fp) / curve.fp[-1]))
