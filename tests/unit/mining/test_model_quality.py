import numpy as np
import pandas as pd
import pytest

from hardneg.mining import model_quality

GOOD = np.linspace(0.001, 0.999, 100)


def validation(positive, negative, nights=4):
    labels = [1] * len(positive) + [0] * len(negative)
    groups = [f"r@{number % nights}" for number in range(len(labels))]
    return pd.DataFrame({"label": labels, "confidence": [*positive, *negative], "group": groups})


def test_a_trained_model_has_no_problem():
    judged = model_quality.judge_model("trained", "trained", GOOD, validation([0.9, 0.8], [0.1, 0.2, 0.85]))
    assert judged.problems == [] and judged.unknown == ""
    assert (judged.lowest, judged.highest) == (0.001, 0.999)
    separation = judged.separation
    assert (separation.positives, separation.negatives, separation.nights) == (2, 3, 4)
    assert separation.auroc == pytest.approx(5 / 6)


def test_the_confidences_of_an_untrained_network_are_named_with_their_range():
    judged = model_quality.judge_model("trained", "trained", np.linspace(0.39, 0.54, 100), None)
    (problem,) = judged.problems
    assert problem.startswith("Pool confidences span 0.39 to 0.54: tiers by confidence mean little.")


def test_low_confidences_in_a_quiet_pool_are_no_problem():
    assert model_quality.judge_model("m", "checkpoint", np.geomspace(1e-5, 0.1, 100), None).problems == []


def test_a_constant_model_is_named():
    (problem,) = model_quality.judge_model("m", "trained", np.full(50, 0.47), None).problems
    assert problem == "All 50 files of the pool have the same confidence, 0.47. No file is harder than another."


def test_a_few_files_are_not_enough_to_judge_their_range():
    assert model_quality.judge_model("m", "trained", np.array([0.4, 0.41]), None).problems == []


def test_a_model_near_chance_is_named_with_its_auroc():
    scores = validation([0.2, 0.6, 0.4], [0.5, 0.3, 0.45])
    (problem,) = model_quality.judge_model("m", "trained", GOOD, scores).problems
    assert "hardly separates validation positives from negatives: its AUROC is 0.44" in problem


def test_what_went_wrong_in_training_comes_first():
    narrow = np.linspace(0.39, 0.54, 100)
    problems = model_quality.judge_model("m", "trained", narrow, None, ["The training diverged."]).problems
    assert problems[0] == "The training diverged." and len(problems) == 2


def test_the_reason_is_given_where_the_separation_is_not_known():
    detections = model_quality.judge_model("m", "detections", GOOD, None)
    assert detections.separation is None and detections.unknown == "Finished detections are read for the pool only."
    one_class = model_quality.judge_model("m", "trained", GOOD, validation([0.9], []))
    assert one_class.separation is None and "needs positives and negatives" in one_class.unknown


def test_few_positives_or_nights_with_one_give_only_a_rough_number():
    many = validation(np.linspace(0.6, 0.9, 30), np.linspace(0.1, 0.4, 30))
    assert not model_quality.measure_separation(many).is_rough
    assert model_quality.measure_separation(many.iloc[15:]).is_rough
    assert model_quality.measure_separation(many.assign(group="r@1")).is_rough
