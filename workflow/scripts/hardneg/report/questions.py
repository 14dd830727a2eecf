"""The three questions that the metrics answer. The report keeps them apart."""

from dataclasses import dataclass

from hardneg.models.metrics import MATCHED_METRICS, OPERATING_POINT_METRICS, RANKING_METRICS


@dataclass(frozen=True, slots=True)
class Question:
    """One question about detectors.

    Attributes
    ----------
    title : the question as a heading.
    explanation : what the metrics measure, in one or two sentences.
    metrics : all metrics that answer it.
    headline : the metrics to show first.
    """

    title: str
    explanation: str
    metrics: tuple[str, ...]
    headline: tuple[str, ...]


RANKING = Question(
    title="Ranking",
    explanation="Does the detector put files with a call above files without one? No threshold is involved.",
    metrics=RANKING_METRICS,
    headline=("average_precision",),
)
FROZEN_THRESHOLD = Question(
    title="At the frozen threshold",
    explanation="What happens at the threshold that was chosen on validation? A tier can move this threshold, "
    "so that precision rises because recall falls.",
    metrics=OPERATING_POINT_METRICS,
    headline=("f1",),
)
MATCHED_OPERATING_POINTS = Question(
    title="At matched operating points",
    explanation="Is the detector better if both detectors pay the same price? Its threshold is set on the test "
    "files so that one of its rates equals that of the baseline.",
    metrics=MATCHED_METRICS,
    headline=("precision_at_baseline_recall", "recall_at_baseline_fp_rate", "fp_rate_at_baseline_recall"),
)
QUESTIONS = (RANKING, FROZEN_THRESHOLD, MATCHED_OPERATING_POINTS)
HEADLINES = tuple(metric for question in QUESTIONS for metric in question.headline)


def find_question(metric: str) -> Question:
    """Find the question that a metric answers."""
    return next(question for question in QUESTIONS if metric in question.metrics)
