import math

import numpy as np
import pytest
from scipy import stats

from hardneg.statistics.paired_tests import combine_degrees_of_freedom, estimate_from_error
from hardneg.statistics.sequential import compute_levels, find_level, plan_looks


def test_looks_double_the_seeds_up_to_the_limit():
    assert plan_looks(3, 12) == [3, 6, 12] and plan_looks(5, 6) == [5, 6] and plan_looks(4, 4) == [4]


@pytest.mark.parametrize(
    ("fractions", "bounds"),
    [  # the bounds of the spending function in the R package gsDesign, for a two-sided level of 5 %
        ([1.0], [1.960]),
        ([1 / 3, 2 / 3, 1.0], [3.710, 2.511, 1.993]),
        ([0.25, 0.5, 0.75, 1.0], [4.333, 2.963, 2.359, 2.014]),
    ],
)
def test_levels_are_those_of_published_boundaries(fractions, bounds):
    found = [stats.norm.isf(level / 2) for level in compute_levels(fractions, 0.05)]
    assert found == pytest.approx(bounds, abs=0.002)


def test_a_look_that_brings_no_information_has_the_level_of_the_one_before():
    first, second = compute_levels([1.0, 1.0], 0.05)
    assert first == second == pytest.approx(0.05, abs=1e-4)


def test_all_looks_together_spend_the_level_and_no_more():
    """Without a decision in between, a Brownian motion crosses the boundary in 5 % of all studies."""
    rng, levels = np.random.default_rng(3), compute_levels([0.25, 0.5, 1.0], 0.05)
    steps = rng.normal(0, np.sqrt([0.25, 0.25, 0.5]), (200_000, 3))
    z = np.cumsum(steps, axis=1) / np.sqrt([0.25, 0.5, 1.0])
    crossed = (2 * stats.norm.sf(np.abs(z)) <= levels).any(axis=1).mean()
    assert crossed == pytest.approx(0.05, abs=0.0015)


@pytest.mark.parametrize("looks", [(), (3,)])
def test_a_study_that_is_looked_at_once_keeps_its_level(looks):
    assert find_level(looks, 3, 0.05) == 0.05


def count_false_calls(sequential, seed_sd, night_sd, night_df=11, studies=4000, seed=5):
    """Look at 3, 6 and 12 seeds, and stop at the first p below its level. There is no effect."""
    rng, looks, called = np.random.default_rng(seed), plan_looks(3, 12), 0
    for _ in range(studies):
        night = rng.normal(0, night_sd)
        variance = night_sd**2 * rng.chisquare(night_df) / night_df
        changes = night + rng.normal(0, seed_sd, looks[-1])
        for count in looks:
            spread = float(np.std(changes[:count], ddof=1))
            df = float(combine_degrees_of_freedom(spread**2 / count, count, variance, night_df))
            error = math.sqrt(spread**2 / count + variance)
            estimate = estimate_from_error(float(changes[:count].mean()), error, df)
            level = find_level(tuple(looks), count, 0.05) if sequential else 0.05
            if estimate.p <= level:
                called += 1
                break
    return called


@pytest.mark.slow
@pytest.mark.parametrize("night_sd", [0.002, 0.02, 0.1])
def test_three_looks_keep_the_level_although_they_add_seeds_until_something_is_found(night_sd):
    """200 of 4,000 studies are expected at most, and 243 are the 99.9 % limit of a binomial."""
    assert count_false_calls(True, 0.05, night_sd) <= 243


@pytest.mark.slow
def test_the_same_looks_at_the_whole_level_find_something_too_often():
    assert count_false_calls(False, 0.05, 0.002) > 300
