import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from hardneg.statistics import seed_planning

# Hours of sleep gained with one drug over another: Student, Biometrika 6 (1908), table on p. 20.


@pytest.mark.parametrize("seeds", [3, 10])
def test_the_limits_of_the_seeds_needed_follow_from_those_of_the_spread(seeds):
    plan = seed_planning.plan_seeds(0.03, 0.02, 0.0, seeds, 0.05, 0.8, math.inf)
    low, high = 0.02 * np.sqrt((seeds - 1) / stats.chi2.ppf([0.975, 0.025], seeds - 1))
    assert plan.seeds_needed_low == seed_planning.count_seeds_needed(0.03, low, 0.0)
    assert plan.seeds_needed_high == seed_planning.count_seeds_needed(0.03, high, 0.0)
    assert plan.seeds_needed_low <= plan.seeds_needed <= plan.seeds_needed_high
    assert plan.limited_by == "seeds"


def test_from_three_seeds_little_is_known_of_the_seeds_needed():
    few, many = (seed_planning.plan_seeds(0.03, 0.03, 0.0, seeds, 0.05, 0.8, math.inf) for seeds in (3, 20))
    assert few.seeds_needed_high > 10 * few.seeds_needed
    assert many.seeds_needed_high < 3 * many.seeds_needed


def test_no_number_of_seeds_makes_up_for_too_few_nights_and_the_plan_says_so():
    assert seed_planning.plan_seeds(0.03, 0.02, 0.02**2, 5, 0.05, 0.8, math.inf).limited_by == "nights"


@pytest.mark.parametrize("seeds", [4, 6, 10, 40])
def test_the_detectable_effect_has_the_required_power(seeds):
    effect = seed_planning.compute_detectable_effect(1.0, 0.0, seeds)
    assert TTestPower().power(effect, seeds, 0.05) == pytest.approx(0.8, abs=0.02)
    assert seed_planning.count_seeds_needed(effect * 1.001, 1.0, 0.0) == seeds


def test_fewer_nights_need_a_larger_effect_or_more_seeds():
    effects = [seed_planning.compute_detectable_effect(0.02, 0.01**2, 5, night_df=df) for df in (2, 9, 39)]
    assert effects == sorted(effects, reverse=True) and effects[0] > 1.1 * effects[-1]
    needed = [seed_planning.count_seeds_needed(0.05, 0.03, 0.01**2, night_df=df) for df in (3, 39)]
    assert needed[0] > needed[1]
    for seeds in range(2, int(needed[0]) + 1):
        enough = seed_planning.compute_detectable_effect(0.03, 0.01**2, seeds, night_df=3) <= 0.05
        assert enough == (seeds == needed[0])


def test_more_seeds_cannot_make_up_for_too_few_nights():
    assert seed_planning.count_seeds_needed(0.03, seed_sd=0.02, night_variance=0.02**2) == math.inf
    assert seed_planning.count_seeds_needed(0.03, seed_sd=0.02, night_variance=0.0) < 10
    assert math.isnan(seed_planning.compute_detectable_effect(0.1, 0.0, 1))
