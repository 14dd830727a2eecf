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

import numpy as np
import numpy.typing as npt

from hardneg.common.library_switch import uses_library

Labels = npt.NDArray[np.integer]
Confidences = npt.NDArray[np.floating]


def operating_points(
    labels: Labels, confidences: Confidences
) -> tuple[Confidences, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Count what is flagged when each confidence that occurs is the threshold.

    Parameters
    ----------
    labels : 1 or 0, shape (n,).
    confidences : in [0, 1], shape (n,).

    Returns
    -------
    thresholds (falling), true positives, false positives : arrays of one length.
    """
    order = np.argsort(-confidences, kind="stable")
    ranked, positives = confidences[order], np.cumsum(labels[order] == 1)
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    return ranked[last], positives[last], last + 1 - positives[last]


def average_precision(labels: Labels, confidences: Confidences) -> float:
    """Compute the mean of precision over thresholds, each weighted by the recall that it adds, without interpolation.

    At least one positive must be present.

    >>> average_precision(np.array([1, 0, 1]), np.array([0.9, 0.8, 0.7]))
    0.8333333333333333
    """
    if uses_library("average_precision"):
        from sklearn.metrics import average_precision_score

        return float(average_precision_score(labels, confidences))
    _, tp, fp = operating_points(labels, confidences)
    return float(np.sum(np.diff(tp, prepend=0) * tp / (tp + fp)) / tp[-1])


def auroc(labels: Labels, confidences: Confidences) -> float:
    """Compute the area under the receiver operating characteristic by trapezoids; both classes must be present."""
    if uses_library("average_precision"):
        from sklearn.metrics import roc_auc_score

        return float(roc_auc_score(labels, confidences))
    _, tp, fp = operating_points(labels, confidences)
    return float(np.trapezoid(np.append(0, tp) / tp[-1], np.append(0, fp) / fp[-1]))
