import itertools
import math

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from hardneg.statistics import paired_tests, seed_planning, verdicts

# Hours of sleep gained with one drug over another: Student, Biometrika 6 (1908), table on p. 20.
SLEEP = np.array([1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4])
# Darwin's maize, crossed less self-fertilized, eighths of an inch: R. A. Fisher, The Design of Experiments (1935), table 3.
DARWIN = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48])


def test_students_sleep_data_give_students_t():
    result = paired_tests.estimate_paired_mean(SLEEP)
    assert result.difference == pytest.approx(1.58)
    assert result.difference / result.standard_error == pytest.approx(4.0621, abs=1e-4)
    assert result.p == pytest.approx(0.002833, abs=1e-6)
    assert (result.low, result.high) == pytest.approx((0.7001, 2.4599), abs=1e-4)


def test_darwins_maize_gives_fishers_count_of_sign_patterns():
    assert paired_tests.compute_sign_flip_p(DARWIN) == pytest.approx(1726 / 32768)


def test_the_sign_flip_p_is_that_of_counting_all_patterns():
    rng = np.random.default_rng(0)
    for n in (2, 3, 5, 8):
        values = rng.standard_normal(n) + 0.5
        patterns = np.array(list(itertools.product([-1, 1], repeat=n)))
        means = np.abs((patterns * values).mean(axis=1))
        assert paired_tests.compute_sign_flip_p(values) == pytest.approx(np.mean(means >= abs(values.mean()) - 1e-12))


@pytest.mark.parametrize("n", [1, 2, 3, 5, 6, 10, 16, 18])
def test_the_smallest_p_is_reached_when_all_seeds_agree_and_is_above_0_05_for_five(n):
    if n > 1:
        assert paired_tests.compute_sign_flip_p(np.arange(1.0, n + 1)) == pytest.approx(
            paired_tests.compute_smallest_sign_flip_p(n)
        )
    assert (paired_tests.compute_smallest_sign_flip_p(n) < 0.05) == (n >= 6)


def test_holms_and_benjamini_and_hochbergs_adjustment_by_hand():
    p = np.array([0.01, 0.04, 0.03, 0.005, np.nan])
    assert paired_tests.adjust_p_values(p, "holm")[:4] == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert paired_tests.adjust_p_values(p, "bh")[:4] == pytest.approx([0.02, 0.04, 0.04, 0.02])
    assert math.isnan(paired_tests.adjust_p_values(p)[4])


@pytest.mark.parametrize(("method", "reference"), [("holm", "holm"), ("bh", "fdr_bh")])
def test_adjusted_p_values_are_those_of_statsmodels(method, reference):
    rng = np.random.default_rng(0)
    for n in (1, 2, 7, 40):
        p = np.round(rng.uniform(0, 0.2, n), 2)  # some are equal
        assert paired_tests.adjust_p_values(p, method) == pytest.approx(multipletests(p, method=reference)[1])


def test_with_enough_seeds_the_degrees_of_freedom_are_satterthwaites():
    assert paired_tests.combine_degrees_of_freedom(2.0, 20, 1.0, 10) == pytest.approx(9 / (4 / 19 + 1 / 10))


@pytest.mark.parametrize("difference", [0.0, 0.1])
def test_a_lack_of_spread_is_not_certainty(difference):
    estimate = paired_tests.estimate_paired_mean(difference + np.array([0, 1e-17, 0]))
    assert estimate.difference == pytest.approx(difference)
    assert all(math.isnan(value) for value in (estimate.low, estimate.high, estimate.p))
    assert math.isnan(verdicts.compute_equivalence_p(estimate, 0.03))
    assert verdicts.decide_verdict(difference, estimate.p, math.nan) == "no verdict"
    assert math.isnan(seed_planning.compute_detectable_effect(1e-17, 0.0, 3))
    assert math.isnan(seed_planning.count_seeds_needed(0.03, 1e-17, 0.0))
