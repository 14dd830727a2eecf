import numpy as np
import pytest

from hardneg.models import metrics
from hardneg.models.thresholds import choose_threshold


def test_the_threshold_is_the_one_of_highest_f1_between_two_scores():
    labels, confidences = np.array([0, 0, 1, 0, 1, 1]), np.array([0.1, 0.2, 0.3, 0.4, 0.7, 0.9])
    best = max(
        (metrics.measure_at_threshold(labels, confidences, cut, 1).f1, cut) for cut in np.linspace(0, 1, 1001)
    )  # an exhaustive search
    threshold = choose_threshold(labels, confidences)
    assert metrics.measure_at_threshold(labels, confidences, threshold, 1).f1 == pytest.approx(best[0])
    assert threshold in (0.25, 0.55)


def test_a_threshold_between_neighboring_numbers_still_separates_them():
    high = np.float32(0.9)
    low = np.nextafter(high, np.float32(0))
    labels, confidences = np.array([1, 1, 0, 0]), np.array([0.95, high, low, 0.1], np.float32)
    for order in (confidences, np.nextafter(confidences, np.float32(0))):
        cut = choose_threshold(labels, order)
        assert list(order >= cut) == [True, True, False, False]
        assert list(order >= np.float32(cut)) == [True, True, False, False]


@pytest.mark.parametrize("seed", range(5))
def test_no_threshold_beats_the_chosen_one_on_its_own_data(seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, 60)
    confidences = np.round(rng.random(60) * 0.7 + 0.3 * labels, 2)
    best = metrics.measure_at_threshold(labels, confidences, choose_threshold(labels, confidences), 1).f1
    assert best == max(metrics.measure_at_threshold(labels, confidences, cut, 1).f1 for cut in np.linspace(0, 1, 501))


def test_counts_and_rates_at_a_threshold():
    labels, confidences = np.array([1, 1, 1, 0, 0, 0, 0]), np.array([0.9, 0.8, 0.1, 0.8, 0.3, 0.2, 0.1])
    measured = metrics.measure_at_threshold(labels, confidences, 0.8, recorded_s=1800)
    assert (measured.tp, measured.fp, measured.fn, measured.tn) == (2, 1, 1, 3)
    assert measured.precision == measured.recall == measured.f1 == pytest.approx(2 / 3)
    assert measured.false_positives_per_hour == 2


def test_precision_is_missing_where_nothing_is_flagged_and_f1_is_zero():
    measured = metrics.measure_at_threshold(np.array([1, 0]), np.array([0.1, 0.1]), 0.5, 1)
    assert np.isnan(measured.precision) and measured.recall == measured.f1 == 0


def test_recall_and_f1_are_missing_without_positives():
    measured = metrics.measure_at_threshold(np.zeros(2, int), np.array([0.1, 0.9]), 0.5, 1)
    assert np.isnan(measured.recall) and np.isnan(measured.f1) and measured.precision == 0


@pytest.mark.parametrize("seed", range(5))
def test_the_oracle_is_never_below_any_threshold_and_the_grid_may_be(seed):
    rng = np.random.default_rng(seed)
    labels, confidences = rng.integers(0, 2, 60), rng.random(60)
    oracle = metrics.measure_oracle(labels, confidences)
    f1 = [metrics.measure_at_threshold(labels, confidences, threshold, 1).f1 for threshold in confidences]
    assert oracle.oracle_f1 == pytest.approx(max(f1)) and oracle.grid_oracle_f1 <= oracle.oracle_f1
    at_oracle = metrics.measure_at_threshold(labels, confidences, oracle.oracle_threshold, 1)
    assert at_oracle.f1 == oracle.oracle_f1


def test_average_precision_of_a_known_ranking():
    measured = metrics.measure_ranking(np.array([1, 0, 1, 0]), np.array([0.9, 0.8, 0.7, 0.1]))
    assert measured.average_precision == pytest.approx((1 / 1 + 2 / 3) / 2)
    assert measured.auroc == pytest.approx(3 / 4)
    assert measured.prevalence == 0.5


def test_recall_at_a_precision_is_the_best_that_keeps_it():
    labels, confidences = np.array([1, 1, 0, 1, 0, 1]), np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
    assert metrics.recall_at_precision(labels, confidences, 1.0) == 0.5
    assert metrics.recall_at_precision(labels, confidences, 0.75) == 0.75
    assert metrics.recall_at_precision(labels, confidences, 0.6) == 1
    assert metrics.recall_at_precision(np.array([0, 1]), np.array([0.9, 0.1]), 0.9) == 0


def test_calibration_error_is_the_gap_between_confidence_and_frequency():
    labels = np.array([1, 0, 1, 1, 1, 0])
    confidences = np.array([0.55, 0.55, 0.55, 1.0, 0.95, 0.05])
    expected = (3 * abs(2 / 3 - 0.55) + 2 * abs(1 - 0.975) + 1 * 0.05) / 6
    assert metrics.expected_calibration_error(labels, confidences, 10) == pytest.approx(expected)
    rng = np.random.default_rng(0)
    honest = rng.random(20000)
    assert metrics.expected_calibration_error((rng.random(20000) < honest).astype(int), honest, 15) < 0.015


@pytest.mark.parametrize("seed", range(4))
def test_scikit_learn_measures_the_same_on_ties_and_certainties(seed):
    from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

    rng = np.random.default_rng(seed)
    labels = np.append(rng.integers(0, 2, 80), [0, 1])
    confidences = np.round(np.append(np.clip(rng.random(80) + 0.3 * labels[:80], 0, 1), [0, 1]), seed % 3 + 1)
    measured = metrics.measure_ranking(labels, confidences)
    assert measured.average_precision == pytest.approx(average_precision_score(labels, confidences), abs=1e-12)
    assert measured.auroc == pytest.approx(roc_auc_score(labels, confidences), abs=1e-12)
    precisions, recalls, _ = precision_recall_curve(labels, confidences)
    for precision in (0.5, 0.8, 1.0):
        highest = recalls[:-1][precisions[:-1] >= precision].max(initial=0)
        assert metrics.recall_at_precision(labels, confidences, precision) == pytest.approx(highest)
