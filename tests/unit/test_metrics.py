import numpy as np
import pandas as pd
import pytest

from hardneg import evaluation, metrics


def test_the_threshold_is_the_one_of_highest_f1_between_two_scores():
    labels, confidences = np.array([0, 0, 1, 0, 1, 1]), np.array([0.1, 0.2, 0.3, 0.4, 0.7, 0.9])
    best = max(
        (metrics.at_threshold(labels, confidences, cut, 1)["f1"], cut) for cut in np.linspace(0, 1, 1001)
    )  # an exhaustive search
    chosen = metrics.choose_threshold(labels, confidences)
    assert metrics.at_threshold(labels, confidences, chosen, 1)["f1"] == pytest.approx(best[0])
    assert chosen in (0.25, 0.55)


@pytest.mark.parametrize("seed", range(5))
def test_no_threshold_beats_the_chosen_one_on_its_own_data(seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, 60)
    confidences = np.round(rng.random(60) * 0.7 + 0.3 * labels, 2)
    chosen = metrics.at_threshold(labels, confidences, metrics.choose_threshold(labels, confidences), 1)["f1"]
    assert chosen == max(metrics.at_threshold(labels, confidences, cut, 1)["f1"] for cut in np.linspace(0, 1, 501))


def test_counts_and_rates_at_a_threshold():
    labels, confidences = np.array([1, 1, 1, 0, 0, 0, 0]), np.array([0.9, 0.8, 0.1, 0.8, 0.3, 0.2, 0.1])
    found = metrics.at_threshold(labels, confidences, 0.8, recorded_s=1800)
    assert (found["tp"], found["fp"], found["fn"], found["tn"]) == (2, 1, 1, 3)
    assert found["precision"] == found["recall"] == found["f1"] == pytest.approx(2 / 3)
    assert found["false_positives_per_hour"] == 2


def test_nothing_flagged_is_no_precision_rather_than_an_error():
    assert metrics.at_threshold(np.array([1, 0]), np.array([0.1, 0.1]), 0.5, 1)["precision"] == 0


def test_average_precision_of_a_known_ranking():
    found = metrics.without_threshold(np.array([1, 0, 1, 0]), np.array([0.9, 0.8, 0.7, 0.1]))
    assert found["average_precision"] == pytest.approx((1 / 1 + 2 / 3) / 2)
    assert found["auroc"] == pytest.approx(3 / 4)
    assert found["prevalence"] == 0.5


def test_the_test_set_is_measured_at_the_validation_threshold_not_its_own():
    scores = pd.DataFrame(
        {
            "split": ["val"] * 4 + ["test_ood"] * 4,
            "label": [1, 1, 0, 0] * 2,
            "confidence": [0.9, 0.8, 0.3, 0.2, 0.5, 0.45, 0.1, 0.05],
            "duration_s": 3.0,
        }
    )
    measured = evaluation.measure(scores).set_index("split")
    assert measured.threshold["test_ood"] == measured.threshold["val"] == pytest.approx(0.55)
    assert measured.f1["val"] == 1 and measured.f1["test_ood"] == 0
    assert measured.oracle_f1["test_ood"] == 1
