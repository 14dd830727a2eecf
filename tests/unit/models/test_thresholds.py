import numpy as np
import pytest

from hardneg.models import metrics
from hardneg.models.thresholds import ThresholdChooser, ThresholdRule, choose_threshold


def scores(seed, files=80):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, files)
    confidences = (0.5 * rng.random(files) + 0.3 * labels).round(2)
    return labels, confidences


def every_threshold(confidences):
    levels = np.unique(confidences)
    return np.append((levels + np.append(0, levels[:-1])) / 2, 1.01)


@pytest.mark.parametrize("seed", range(5))
def test_no_threshold_has_a_higher_f1(seed):
    labels, confidences = scores(seed)
    f1 = [metrics.measure_at_threshold(labels, confidences, threshold, 1).f1
          for threshold in (choose_threshold(labels, confidences), *every_threshold(confidences))]  # fmt: skip
    assert f1[0] == max(f1)


@pytest.mark.parametrize(("rule", "value"), [("precision", 0.8), ("recall", 0.9), ("false_positives_per_hour", 4)])
@pytest.mark.parametrize("seed", range(3))
def test_the_chosen_threshold_keeps_its_promise_and_no_other_one_does_better(rule, value, seed):
    labels, confidences = scores(seed)
    hours = np.full(len(labels), 0.05)

    def measure(threshold):
        return metrics.measure_at_threshold(labels, confidences, threshold, 3600 * hours.sum())

    def keeps(measured):
        rate = getattr(measured, rule)
        return rate <= value if rule == "false_positives_per_hour" else rate >= value

    chosen = choose_threshold(labels, confidences, ThresholdRule(rule, value), hours)
    assert keeps(measure(chosen))
    others = [measure(threshold) for threshold in every_threshold(confidences) if keeps(measure(threshold))]
    if rule == "recall":
        higher = every_threshold(confidences)
        assert not any(keeps(measure(threshold)) for threshold in higher[higher > chosen + 0.01])
    else:
        assert measure(chosen).recall == max(other.recall for other in others)


def test_a_precision_that_cannot_be_reached_gives_the_highest_one():
    labels, confidences = np.array([0, 1, 0, 0]), np.array([0.9, 0.8, 0.7, 0.6])
    assert choose_threshold(labels, confidences, ThresholdRule("precision", 0.95)) == pytest.approx(0.75)


def test_if_even_the_highest_score_is_a_false_positive_too_many_nothing_is_flagged():
    labels, confidences = np.array([0, 1]), np.array([0.9, 0.8])
    threshold = choose_threshold(labels, confidences, ThresholdRule("false_positives_per_hour", 0.5), np.full(2, 0.1))
    assert not (confidences >= threshold).any()


def test_a_lower_prevalence_in_the_field_asks_for_a_higher_threshold():
    labels, confidences = scores(1, files=400)
    balanced = choose_threshold(labels, confidences)
    sparse = choose_threshold(labels, confidences, ThresholdRule(prevalence=0.05))
    assert sparse > balanced
    same = choose_threshold(labels, confidences, ThresholdRule(prevalence=float(labels.mean())))
    assert same == balanced


def test_a_prevalence_counts_negatives_as_if_there_were_more_of_them():
    labels, confidences = scores(2)
    negatives = np.flatnonzero(labels == 0)
    repeated = np.concatenate([np.arange(len(labels)), np.tile(negatives, 9)])
    prevalence = labels.sum() / (labels.sum() + 10 * len(negatives))
    chosen = choose_threshold(labels, confidences, ThresholdRule(prevalence=float(prevalence)))
    assert chosen == pytest.approx(choose_threshold(labels[repeated], confidences[repeated]))


@pytest.mark.parametrize("rule", [ThresholdRule(), ThresholdRule("precision", 0.7), ThresholdRule(prevalence=0.1)])
def test_weighted_nights_choose_the_threshold_of_the_repeated_files(rule):
    labels, confidences = scores(3)
    nights = np.arange(len(labels)) % 7
    chooser = ThresholdChooser(labels, confidences, nights, np.ones(len(labels)), rule)
    weights = np.random.default_rng(1).multinomial(6, np.full(7, 1 / 7), size=30)
    for weight, threshold in zip(weights, chooser.choose(weights), strict=True):
        copies = np.repeat(np.arange(len(labels)), weight[nights])
        assert threshold == pytest.approx(choose_threshold(labels[copies], confidences[copies], rule))
