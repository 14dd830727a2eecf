import numpy as np
import pandas as pd
import pytest

from hardneg.experiments import matrix
from hardneg.models import metrics
from hardneg.statistics import interactions


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
def test_an_interaction_is_detected_only_where_there_is_one():
    axes = ["positive_subset", "negative_tier", "validation"]
    tests = interactions.run_interaction_tests(design(0.1), "negative_tier", axes)
    assert list(tests.interaction.unique()) == ["negative_tier x positive_subset"]
    assert (tests.p_adjusted < 0.001).all() and set(tests.df) == {1} and set(tests.df_residual) == {9}
    p = [interactions.run_interaction_tests(design(0.0, seed), "negative_tier", axes).p.iloc[0] for seed in range(40)]
    assert np.mean(np.array(p) < 0.05) < 0.2


def test_the_interaction_test_is_the_t_test_of_the_difference_of_differences():
    """With two levels each, F is the square of the t that a regression gives the product term."""
    runs = design(0.02)
    result = interactions.run_interaction_tests(runs, "negative_tier", ["positive_subset", "negative_tier"])
    hard, big = (runs.negative_tier == "hard").to_numpy(float), (runs.positive_subset == "b").to_numpy(float)
    seeds = pd.get_dummies(runs.seed, drop_first=True, dtype=float).to_numpy()
    columns = np.column_stack([np.ones(len(runs)), hard, big, seeds, hard * big])
    outcome = runs.f1.to_numpy()
    fit, residual, *_ = np.linalg.lstsq(columns, outcome, rcond=None)
    variance = residual[0] / (len(runs) - columns.shape[1]) * np.linalg.inv(columns.T @ columns)[-1, -1]
    assert result[result.metric == "f1"].F.iloc[0] == pytest.approx(fit[-1] ** 2 / variance)


@pytest.mark.parametrize("recall", [np.nan, [np.nan, 0.5], 1.0, [1.0, 1.0 + 1e-15]])
def test_an_interaction_in_a_metric_that_is_missing_or_constant_is_not_known(recall):
    runs = design(0.1)
    runs = runs.assign(recall=np.resize(recall, len(runs)))
    result = interactions.run_interaction_tests(runs, "negative_tier", ["positive_subset", "negative_tier"])
    known = result[result.metric != "recall"]
    assert result[result.metric == "recall"][["F", "p", "p_adjusted"]].isna().all(axis=None)
    assert len(known) == 3 and known.p_adjusted.to_numpy() == pytest.approx(np.minimum(3 * known.p, 0.05), abs=0.001)


def test_without_a_second_axis_there_is_no_interaction_to_test():
    runs = design(0.0)
    assert interactions.run_interaction_tests(
        runs[runs.positive_subset == "a"], "negative_tier", ["positive_subset", "negative_tier"]
    ).empty
