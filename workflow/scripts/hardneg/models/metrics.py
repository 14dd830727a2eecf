"""How well file scores tell positives from negatives."""

import numpy as np

# Runs are compared by these. Ranking metrics need no threshold; the others are measured at the frozen threshold.
RANKING_METRICS = ("average_precision", "auroc")
OPERATING_POINT_RATES = ("f1", "precision", "recall")
OPERATING_POINT_METRICS = (*OPERATING_POINT_RATES, "false_positives_per_hour")
METRICS = (*RANKING_METRICS, *OPERATING_POINT_METRICS)
# Smaller selections, for tables and figures with little room.
SUMMARY_METRICS = ("average_precision", *OPERATING_POINT_RATES)
HEADLINE_METRICS = ("f1", "average_precision")
PROPORTIONS = (*RANKING_METRICS, *OPERATING_POINT_RATES)  # in [0, 1]
LOWER_IS_BETTER = ("false_positives_per_hour",)

ORACLE_GRID = np.round(np.linspace(0, 1, 21), 2)


def choose_threshold(labels: np.ndarray, confidences: np.ndarray) -> float:
    """The threshold of highest F1, chosen on validation data and then frozen.

    Candidates lie half-way between neighbouring scores, and below the lowest; of equals the highest is taken. Where no
    number of the scores' own precision lies between two neighbours, the upper one is the candidate.

    Parameters
    ----------
    labels : 1 or 0, shape (n,), both present.
    confidences : in [0, 1], shape (n,).

    Returns
    -------
    A confidence; a file is flagged when its own is at least that.
    """
    scores, tp, fp = operating_points(labels, confidences)
    best = int(np.argmax(_f1(tp / (tp + fp), tp / tp[-1])))
    below = scores[best + 1] if best + 1 < len(scores) else 0.0
    middle = (scores[best] + below) / 2
    return float(middle if middle > below else scores[best])


def operating_points(labels: np.ndarray, confidences: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What is flagged at each confidence that occurs, when every file with at least that is.

    scikit-learn has this too; its import costs each of a thousand jobs as much as all else that they import but torch.

    Returns
    -------
    thresholds (falling), true positives, false positives: arrays of one length.
    """
    order = np.argsort(-confidences, kind="stable")
    ranked, found = confidences[order], np.cumsum(labels[order] == 1)
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    return ranked[last], found[last], last + 1 - found[last]


def average_precision(labels: np.ndarray, confidences: np.ndarray) -> float:
    """Precision at each threshold weighted by the recall that it adds, without interpolation; a positive is needed."""
    _, tp, fp = operating_points(labels, confidences)
    return float(np.sum(np.diff(tp, prepend=0) * tp / (tp + fp)) / tp[-1])


def auroc(labels: np.ndarray, confidences: np.ndarray) -> float:
    """Area under the receiver operating characteristic, by trapezoids; both classes are needed."""
    _, tp, fp = operating_points(labels, confidences)
    return float(np.trapezoid(np.append(0, tp) / tp[-1], np.append(0, fp) / fp[-1]))


def at_threshold(labels: np.ndarray, confidences: np.ndarray, threshold: float, recorded_s: float) -> dict[str, float]:
    """Counts and rates when every file with a confidence of at least `threshold` is flagged.

    Parameters
    ----------
    recorded_s : length of all the files together (s), for false positives per recorded hour.

    Returns
    -------
    ``tp, fp, fn, tn, precision, recall, f1, false_positives_per_hour``. Precision is 0 where nothing is flagged.
    """
    flagged, positive = confidences >= threshold, labels == 1
    tp, fp = int((flagged & positive).sum()), int((flagged & ~positive).sum())
    fn, tn = int((~flagged & positive).sum()), int((~flagged & ~positive).sum())
    precision = tp / (tp + fp) if tp + fp else 0.0
    recall = tp / (tp + fn) if tp + fn else 0.0
    return {
        "tp": tp,
        "fp": fp,
        "fn": fn,
        "tn": tn,
        "precision": precision,
        "recall": recall,
        "f1": float(_f1(precision, recall)),
        "false_positives_per_hour": fp / (recorded_s / 3600) if recorded_s else float("nan"),
    }


def without_threshold(labels: np.ndarray, confidences: np.ndarray) -> dict[str, float]:
    """``average_precision`` (to be read against ``prevalence``) and ``auroc``; missing where a class is absent."""
    both = 0 < labels.sum() < len(labels)
    return {
        "prevalence": float(np.mean(labels)),
        "average_precision": average_precision(labels, confidences) if both else float("nan"),
        "auroc": auroc(labels, confidences) if both else float("nan"),
    }


def recall_at_precision(labels: np.ndarray, confidences: np.ndarray, precision: float) -> float:
    """The highest recall at which some threshold keeps at least this precision; 0 if none does."""
    if not labels.any():
        return float("nan")
    _, tp, fp = operating_points(labels, confidences)
    return float((tp / tp[-1])[tp / (tp + fp) >= precision].max(initial=0.0))


def reliability(labels: np.ndarray, confidences: np.ndarray, bins: int) -> dict[str, np.ndarray]:
    """How often a file of a given confidence is positive, in bins of equal width.

    Returns
    -------
    ``files, confidence`` (mean) and ``frequency`` (of positives) of each bin that holds files.
    """
    place = np.minimum((confidences * bins).astype(int), bins - 1)
    files = np.bincount(place, minlength=bins)
    held = files > 0
    return {
        "files": files[held],
        "confidence": np.bincount(place, confidences, minlength=bins)[held] / files[held],
        "frequency": np.bincount(place, labels, minlength=bins)[held] / files[held],
    }


def expected_calibration_error(labels: np.ndarray, confidences: np.ndarray, bins: int) -> float:
    """Mean gap between confidence and frequency over equal-width bins, weighted by files (M. P. Naeini, AAAI 2015)."""
    curve = reliability(labels, confidences, bins)
    return float(np.average(np.abs(curve["confidence"] - curve["frequency"]), weights=curve["files"]))


def oracle(labels: np.ndarray, confidences: np.ndarray) -> dict[str, float]:
    """The best F1 over a grid of 21 thresholds *on the test set itself*: for comparison with studies that tuned there.

    Returns
    -------
    ``oracle_threshold, oracle_f1``.
    """
    f1 = [at_threshold(labels, confidences, threshold, 0)["f1"] for threshold in ORACLE_GRID]
    best = int(np.argmax(f1))
    return {"oracle_threshold": float(ORACLE_GRID[best]), "oracle_f1": f1[best]}


def _f1(precision, recall):
    total = np.asarray(precision + recall)
    return np.divide(2 * precision * recall, total, out=np.zeros_like(total, dtype=float), where=total > 0)
