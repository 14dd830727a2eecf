import pandas as pd
import pytest

from hardneg.experiments import evaluation
from hardneg.experiments.evaluation import EvaluationSettings
from hardneg.models.thresholds import HIGHEST_F1


def test_the_test_set_is_measured_at_the_validation_threshold_not_its_own():
    scores = pd.DataFrame(
        {
            "split": ["val"] * 4 + ["test_ood"] * 4,
            "label": [1, 1, 0, 0] * 2,
            "confidence": [0.9, 0.8, 0.3, 0.2, 0.5, 0.45, 0.1, 0.05],
            "duration_s": 3.0,
        }
    )
    measured = evaluation.measure_splits(scores, EvaluationSettings(0.9, 10, HIGHEST_F1)).set_index("split")
    assert measured.threshold["test_ood"] == measured.threshold["val"] == pytest.approx(0.55)
    assert measured.f1["val"] == 1 and measured.f1["test_ood"] == 0
    assert measured.oracle_f1["test_ood"] == 1


def test_every_run_is_tested_on_what_is_held_out_of_the_pool_beside_the_calls_of_the_test():
    scores = pd.DataFrame(
        {
            "split": ["val"] * 2 + ["test_ood"] * 4 + ["test_pool"] * 4,
            "label": [1, 0, 1, 1, 0, 0, 0, 0, 0, 0],
            "confidence": [0.6, 0.4, 0.9, 0.4, 0.8, 0.7, 0.95, 0.55, 0.3, 0.1],
            "duration_s": 900.0,
        }
    )
    measured = evaluation.measure_splits(scores, EvaluationSettings(0.9, 10, HIGHEST_F1)).set_index("split")
    pool = measured.loc["test_pool"]
    assert pool.false_positives_per_hour == 2  # two files of one recorded hour
    assert (pool.files, pool.positives, pool.recall) == (6, 2, measured.recall["test_ood"])


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
