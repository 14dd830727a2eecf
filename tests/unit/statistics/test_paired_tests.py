import itertools
import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from hardneg.statistics import paired_tests

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


def test_equivalence_is_the_larger_of_two_one_sided_tests():
    estimate = paired_tests.estimate_paired_mean(SLEEP)
    low = stats.ttest_1samp(SLEEP, -3, alternative="greater").pvalue
    high = stats.ttest_1samp(SLEEP, 3, alternative="less").pvalue
    assert paired_tests.compute_equivalence_p(estimate, 3) == pytest.approx(max(low, high))


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
    assert paired_tests.decide_verdict(difference, adjusted, equivalence, higher_is_better=better) == expected


def test_a_small_effect_that_is_certain_is_an_effect_and_not_none():
    assert paired_tests.decide_verdict(0.01, adjusted_p=0.001, adjusted_equivalence_p=0.001) == "improves"


@pytest.mark.parametrize("seeds", [3, 10])
def test_the_limits_of_the_seeds_needed_follow_from_those_of_the_spread(seeds):
    plan = paired_tests.plan_seeds(0.03, 0.02, 0.0, seeds, 0.05, 0.8, math.inf)
    low, high = 0.02 * np.sqrt((seeds - 1) / stats.chi2.ppf([0.975, 0.025], seeds - 1))
    assert plan.seeds_needed_low == paired_tests.count_seeds_needed(0.03, low, 0.0)
    assert plan.seeds_needed_high == paired_tests.count_seeds_needed(0.03, high, 0.0)
    assert plan.seeds_needed_low <= plan.seeds_needed <= plan.seeds_needed_high
    assert plan.limited_by == "seeds"


def test_from_three_seeds_little_is_known_of_the_seeds_needed():
    few, many = (paired_tests.plan_seeds(0.03, 0.03, 0.0, seeds, 0.05, 0.8, math.inf) for seeds in (3, 20))
    assert few.seeds_needed_high > 10 * few.seeds_needed
    assert many.seeds_needed_high < 3 * many.seeds_needed


def test_no_number_of_seeds_makes_up_for_too_few_nights_and_the_plan_says_so():
    assert paired_tests.plan_seeds(0.03, 0.02, 0.02**2, 5, 0.05, 0.8, math.inf).limited_by == "nights"


@pytest.mark.parametrize("seeds", [4, 6, 10, 40])
def test_the_detectable_effect_has_the_required_power(seeds):
    effect = paired_tests.compute_detectable_effect(1.0, 0.0, seeds)
    assert TTestPower().power(effect, seeds, 0.05) == pytest.approx(0.8, abs=0.02)
    assert paired_tests.count_seeds_needed(effect * 1.001, 1.0, 0.0) == seeds


def test_fewer_nights_need_a_larger_effect_or_more_seeds():
    effects = [paired_tests.compute_detectable_effect(0.02, 0.01**2, 5, fixed_df=df) for df in (2, 9, 39)]
    assert effects == sorted(effects, reverse=True) and effects[0] > 1.1 * effects[-1]
    needed = [paired_tests.count_seeds_needed(0.05, 0.03, 0.01**2, fixed_df=df) for df in (3, 39)]
    assert needed[0] > needed[1]
    for seeds in range(2, int(needed[0]) + 1):
        enough = paired_tests.compute_detectable_effect(0.03, 0.01**2, seeds, fixed_df=3) <= 0.05
        assert enough == (seeds == needed[0])


def test_more_seeds_cannot_make_up_for_too_few_nights():
    assert paired_tests.count_seeds_needed(0.03, seed_sd=0.02, fixed_variance=0.02**2) == math.inf
    assert paired_tests.count_seeds_needed(0.03, seed_sd=0.02, fixed_variance=0.0) < 10
    assert math.isnan(paired_tests.compute_detectable_effect(0.1, 0.0, 1))


def test_with_enough_seeds_the_degrees_of_freedom_are_satterthwaites():
    assert paired_tests.combine_degrees_of_freedom(2.0, 20, 1.0, 10) == pytest.approx(9 / (4 / 19 + 1 / 10))


@pytest.mark.parametrize("difference", [0.0, 0.1])
def test_a_lack_of_spread_is_not_certainty(difference):
    estimate = paired_tests.estimate_paired_mean(difference + np.array([0, 1e-17, 0]))
    assert estimate.difference == pytest.approx(difference)
    assert all(math.isnan(value) for value in (estimate.low, estimate.high, estimate.p))
    assert math.isnan(paired_tests.compute_equivalence_p(estimate, 0.03))
    assert paired_tests.decide_verdict(difference, estimate.p, math.nan) == "no verdict"
    assert math.isnan(paired_tests.compute_detectable_effect(1e-17, 0.0, 3))
    assert math.isnan(paired_tests.count_seeds_needed(0.03, 1e-17, 0.0))
