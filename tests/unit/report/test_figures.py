import pandas as pd
import pytest

from hardneg.report import figures


def test_a_figures_numbers_are_what_it_draws():
    scores = pd.DataFrame({"confidence": [0.01, 0.99, 1.0]})
    _, numbers = figures.draw_pool_scores(scores, {"top": scores[scores.confidence > 0.5]})
    files = numbers.groupby("tier").files.sum()
    assert files.to_dict() == {"pool": 3, "top": 2}
    assert numbers[(numbers.tier == "top") & (numbers.files > 0)]["from"].tolist() == [pytest.approx(0.98)]


def test_the_frozen_threshold_is_not_marked_on_the_curve_of_a_run_that_flags_nothing():
    scores = pd.DataFrame(
        {"run": ["a", "a", "b", "b"], "tier": ["x", "x", "y", "y"], "split": "test_ood", "label": [1, 0, 1, 0],
         "confidence": [0.9, 0.1, 0.4, 0.3], "threshold": 0.5}
    )  # fmt: skip
    figure, _ = figures.draw_precision_recall(scores, "tier")
    marked = [[line for line in panel.lines if line.get_marker() == "o"] for panel in figure.axes]
    assert [len(marks) for marks in marked] == [1, 0]
    assert tuple(marked[0][0].get_xydata()[0]) == (1.0, 1.0)


def test_precision_is_the_median_and_range_over_the_runs_of_a_tier():
    labels = [1, 0, 1, 0]
    confidences = {"a": [0.9, 0.1, 0.8, 0.2], "b": [0.9, 0.8, 0.3, 0.1], "c": [0.9, 0.8, 0.2, 0.7]}
    scores = pd.concat(
        pd.DataFrame({"run": run, "tier": "x", "split": "test_ood", "label": labels, "confidence": confidence, "threshold": 0.5})
        for run, confidence in confidences.items()
    )  # fmt: skip
    _, numbers = figures.draw_precision_recall(scores, "tier")
    full = numbers[numbers.recall == 1].iloc[0]
    assert (full.lowest, full["median"], full.highest) == pytest.approx((2 / 4, 2 / 3, 1))
    half = numbers[numbers.recall == 0.5].iloc[0]
    assert half.lowest == half.highest == 1 and full.runs == 3


def test_figures_are_drawn_from_runs_with_missing_metrics():
    runs = pd.DataFrame(
        {"split": "test_ood", "tier": ["none", "hard"], "subset": "base", "seed": 1, "average_precision": float("nan"),
         "f1": [0.5, float("nan")], "precision": [0.5, float("nan")], "recall": float("nan")}
    )  # fmt: skip
    _, numbers = figures.draw_metrics(runs, "tier", "subset")
    assert numbers.score.notna().sum() == 2
    histories = pd.DataFrame(
        {
            "run": "a",
            "tier": "hard",
            "epoch": [1, 2],
            "loss": 0.1,
            "validation_average_precision": float("nan"),
            "kept": [False, True],
        }
    )
    figures.draw_training_curves(histories, "tier")
