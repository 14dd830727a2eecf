import math

import numpy as np
import pytest
from scipy import stats

from hardneg.statistics import paired_tests, verdicts

# Hours of sleep gained with one drug over another: Student, Biometrika 6 (1908), table on p. 20.

SLEEP = np.array([1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4])


def test_equivalence_is_the_larger_of_two_one_sided_tests():
    estimate = paired_tests.estimate_paired_mean(SLEEP)
    low = stats.ttest_1samp(SLEEP, -3, alternative="greater").pvalue
    high = stats.ttest_1samp(SLEEP, 3, alternative="less").pvalue
    assert verdicts.compute_equivalence_p(estimate, 3) == pytest.approx(max(low, high))


@pytest.mark.parametrize(
    ("difference", "adjusted", "equivalence", "better", "expected"),
    [
        (0.10, 0.001, 0.9, True, "improves"),
        (0.10, 0.001, 0.9, False, "hurts"),
        (-0.10, 0.001, 0.9, True, "hurts"),
        (0.10, 0.30, 0.9, True, "undecided"),
        (0.001, 0.9, 0.01, True, "no effect larger than d"),
        (0.02, 0.7, 0.3, True, "undecided"),
        (0.02, math.nan, math.nan, True, "no verdict"),
    ],
)
def test_the_verdict_follows_its_rules(difference, adjusted, equivalence, better, expected):
    assert verdicts.decide_verdict(difference, adjusted, equivalence, higher_is_better=better) == expected


def test_a_small_effect_that_is_certain_is_an_effect_and_not_none():
    assert verdicts.decide_verdict(0.01, adjusted_p=0.001, adjusted_equivalence_p=0.001) == "improves"
