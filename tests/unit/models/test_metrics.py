import numpy as np
import pandas as pd
import pytest

from hardneg.experiments import evaluation, matrix, night_tables
from hardneg.models import metrics
from hardneg.statistics import interactions


def test_the_threshold_is_the_one_of_highest_f1_between_two_scores():
    labels, confidences = np.array([0, 0, 1, 0, 1, 1]), np.array([0.1, 0.2, 0.3, 0.4, 0.7, 0.9])
    best = max(
        (metrics.measure_at_threshold(labels, confidences, cut, 1)["f1"], cut) for cut in np.linspace(0, 1, 1001)
    )  # an exhaustive search
    chosen = metrics.choose_threshold(labels, confidences)
    assert metrics.measure_at_threshold(labels, confidences, chosen, 1)["f1"] == pytest.approx(best[0])
    assert chosen in (0.25, 0.55)


def test_a_threshold_between_neighbouring_numbers_of_the_scores_own_kind_still_parts_them():
    high = np.float32(0.9)
    low = np.nextafter(high, np.float32(0))
    labels, confidences = np.array([1, 1, 0, 0]), np.array([0.95, high, low, 0.1], np.float32)
    for order in (confidences, np.nextafter(confidences, np.float32(0))):
        cut = metrics.choose_threshold(labels, order)
        assert list(order >= cut) == [True, True, False, False]
        assert list(order >= np.float32(cut)) == [True, True, False, False]


@pytest.mark.parametrize("seed", range(5))
def test_no_threshold_beats_the_chosen_one_on_its_own_data(seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, 60)
    confidences = np.round(rng.random(60) * 0.7 + 0.3 * labels, 2)
    chosen = metrics.measure_at_threshold(labels, confidences, metrics.choose_threshold(labels, confidences), 1)["f1"]
    assert chosen == max(
        metrics.measure_at_threshold(labels, confidences, cut, 1)["f1"] for cut in np.linspace(0, 1, 501)
    )


def test_counts_and_rates_at_a_threshold():
    labels, confidences = np.array([1, 1, 1, 0, 0, 0, 0]), np.array([0.9, 0.8, 0.1, 0.8, 0.3, 0.2, 0.1])
    found = metrics.measure_at_threshold(labels, confidences, 0.8, recorded_s=1800)
    assert (found["tp"], found["fp"], found["fn"], found["tn"]) == (2, 1, 1, 3)
    assert found["precision"] == found["recall"] == found["f1"] == pytest.approx(2 / 3)
    assert found["false_positives_per_hour"] == 2


def test_nothing_flagged_is_no_precision_rather_than_an_error():
    assert metrics.measure_at_threshold(np.array([1, 0]), np.array([0.1, 0.1]), 0.5, 1)["precision"] == 0


def test_average_precision_of_a_known_ranking():
    found = metrics.measure_ranking(np.array([1, 0, 1, 0]), np.array([0.9, 0.8, 0.7, 0.1]))
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
    measured = evaluation.measure_splits(scores, precision=0.9, calibration_bins=10).set_index("split")
    assert measured.threshold["test_ood"] == measured.threshold["val"] == pytest.approx(0.55)
    assert measured.f1["val"] == 1 and measured.f1["test_ood"] == 0
    assert measured.oracle_f1["test_ood"] == 1


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


def test_a_breakdown_adds_up_and_keeps_recorders_without_positives():
    scores = pd.DataFrame(
        {
            "split": "test_ood",
            "label": [1, 1, 0, 0],
            "confidence": [0.9, 0.1, 0.8, 0.1],
            "recorder_id": ["a", "a", "a", "b"],
            "quality": ["high", "low", "", ""],
        }
    )
    table = evaluation.break_down_detections(scores, 0.5).set_index(["by", "value"])
    assert table.loc[("recorder_id", "a"), ["files", "positives", "tp", "fp", "recall"]].tolist() == [3, 2, 1, 1, 0.5]
    assert pd.isna(table.loc[("recorder_id", "b"), "recall"])
    assert table.loc["quality"].recall.to_dict() == {"high": 1, "low": 0}


def test_rates_become_nights_by_the_stated_arithmetic():
    runs = pd.DataFrame(
        {
            "negative_tier": "none",
            "split": ["test_ood", "test_ood", "val"],
            "recall": [0.5, 0.7, 0.1],
            "fp": [10, 20, 99],
            "tn": [90, 80, 1],
        }
    )
    table = night_tables.tabulate_nights(
        runs, ["negative_tier"], files_per_night=100, calling_files=[2], review_s=30
    ).set_index("calling_files")
    assert len(table) == 2
    assert table.miss_probability[2] == pytest.approx((0.5**2 + 0.3**2) / 2)
    assert table.flagged_files[0] == pytest.approx(15) and table.review_minutes[0] == pytest.approx(7.5)
    assert table.flagged_files[2] == pytest.approx((1 + 9.8 + 1.4 + 19.6) / 2)


def design(interaction, seed=0):
    rng = np.random.default_rng(seed)
    runs = matrix.expand(
        {
            "positive_subset": ["a", "b"],
            "negative_tier": ["none", "hard"],
            "validation": ["holdout"],
            "seed": [1, 2, 3, 4],
        }
    )
    hard, big = runs.negative_tier == "hard", runs.positive_subset == "b"
    score = 0.5 + 0.05 * hard + 0.1 * big + interaction * (hard & big) + 0.02 * runs.seed.astype(int)
    noisy = {metric: score + rng.normal(0, 0.01, len(runs)) for metric in metrics.SUMMARY_METRICS}
    return runs.assign(split="test_ood", **noisy)


@pytest.mark.slow
def test_an_interaction_is_found_where_it_is_and_only_there():
    axes = ["positive_subset", "negative_tier", "validation"]
    there = interactions.run_interaction_tests(design(0.1), "negative_tier", axes)
    assert list(there.interaction.unique()) == ["negative_tier x positive_subset"]
    assert (there.p_adjusted < 0.001).all() and set(there.df) == {1} and set(there.df_residual) == {9}
    p = [interactions.run_interaction_tests(design(0.0, seed), "negative_tier", axes).p.iloc[0] for seed in range(40)]
    assert np.mean(np.array(p) < 0.05) < 0.2


def test_the_interaction_test_is_the_t_test_of_the_difference_of_differences():
    """With two levels each, F is the square of the t that a regression gives the product term."""
    runs = design(0.02)
    found = interactions.run_interaction_tests(runs, "negative_tier", ["positive_subset", "negative_tier"])
    hard, big = (runs.negative_tier == "hard").to_numpy(float), (runs.positive_subset == "b").to_numpy(float)
    seeds = pd.get_dummies(runs.seed, drop_first=True, dtype=float).to_numpy()
    columns = np.column_stack([np.ones(len(runs)), hard, big, seeds, hard * big])
    outcome = runs.f1.to_numpy()
    fit, residual, *_ = np.linalg.lstsq(columns, outcome, rcond=None)
    variance = residual[0] / (len(runs) - columns.shape[1]) * np.linalg.inv(columns.T @ columns)[-1, -1]
    assert found[found.metric == "f1"].F.iloc[0] == pytest.approx(fit[-1] ** 2 / variance)


@pytest.mark.parametrize("recall", [np.nan, [np.nan, 0.5], 1.0, [1.0, 1.0 + 1e-15]])
def test_an_interaction_in_a_metric_that_is_missing_or_constant_is_not_known(recall):
    runs = design(0.1)
    runs = runs.assign(recall=np.resize(recall, len(runs)))
    found = interactions.run_interaction_tests(runs, "negative_tier", ["positive_subset", "negative_tier"])
    known = found[found.metric != "recall"]
    assert found[found.metric == "recall"][["F", "p", "p_adjusted"]].isna().all(axis=None)
    assert len(known) == 3 and known.p_adjusted.to_numpy() == pytest.approx(np.minimum(3 * known.p, 0.05), abs=0.001)


def test_without_a_second_axis_there_is_no_interaction_to_test():
    runs = design(0.0)
    assert interactions.run_interaction_tests(
        runs[runs.positive_subset == "a"], "negative_tier", ["positive_subset", "negative_tier"]
    ).empty


@pytest.mark.parametrize("seed", range(4))
def test_scikit_learn_measures_the_same_on_ties_and_certainties(seed):
    from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

    rng = np.random.default_rng(seed)
    labels = np.append(rng.integers(0, 2, 80), [0, 1])
    confidences = np.round(np.append(np.clip(rng.random(80) + 0.3 * labels[:80], 0, 1), [0, 1]), seed % 3 + 1)
    found = metrics.measure_ranking(labels, confidences)
    assert found["average_precision"] == pytest.approx(average_precision_score(labels, confidences), abs=1e-12)
    assert found["auroc"] == pytest.approx(roc_auc_score(labels, confidences), abs=1e-12)
    precisions, recalls, _ = precision_recall_curve(labels, confidences)
    for wanted in (0.5, 0.8, 1.0):
        highest = recalls[:-1][precisions[:-1] >= wanted].max(initial=0)
        assert metrics.recall_at_precision(labels, confidences, wanted) == pytest.approx(highest)
