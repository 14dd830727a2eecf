import math

import numpy as np
import pandas as pd
import pytest

from hardneg.statistics.site_comparison import compare_sites, measure_heterogeneity


def deltas(difference, error=0.01, df=8.0, value="hard", metric="average_precision", **cells):
    row = {
        "vary": "negative_tier", "value": value, "baseline": "none", "positive_subset": "base", "split": "test_ood",
        "metric": metric, "difference": difference, "standard_error": error, "degrees_of_freedom": df,
        "effect_of_interest": 0.03,
    }  # fmt: skip
    return pd.DataFrame([row | cells])


def compare(differences, errors=None, **cells):
    errors = errors or [0.01] * len(differences)
    tables = [deltas(d, error, **cells) for d, error in zip(differences, errors, strict=True)]
    _, means = compare_sites(tables, [f"site {n}" for n in range(len(tables))], 0.05, "holm")
    return means.iloc[0]


def test_the_spread_between_four_sites_decides_about_new_sites():
    alike, apart = compare([0.05, 0.06, 0.05, 0.06]), compare([0.20, -0.10, 0.15, -0.03])
    assert alike.scope == apart.scope == "new sites" and alike.difference == apart.difference == pytest.approx(0.055)
    assert (alike.verdict, apart.verdict) == ("improves", "undecided")
    error = np.std([0.20, -0.10, 0.15, -0.03], ddof=1) / 2
    assert apart.standard_error == pytest.approx(error) and apart.degrees_of_freedom == 3


def test_two_sites_decide_about_these_sites_by_their_own_uncertainty():
    row = compare([0.20, -0.10], [0.01, 0.01])
    assert row.scope == "these sites" and row.verdict == "improves"
    assert row.standard_error == pytest.approx(math.sqrt(2) * 0.01 / 2) and row.degrees_of_freedom == pytest.approx(16)


def test_without_an_interval_at_one_of_two_sites_there_is_no_verdict():
    row = compare([0.2, 0.1], [0.01, np.nan])
    assert row.verdict == "no verdict" and row.reason == "a site has no interval"


def test_a_site_where_a_metric_is_not_defined_is_left_out_and_named():
    row = compare([0.05, np.nan, 0.06, 0.05, 0.06])
    assert row.sites == 4 and row.reason == "not defined at site 1" and row.verdict == "improves"


def test_p_values_are_adjusted_over_the_tiers_of_one_metric_only():
    tables = []
    for shift in (0.0, 0.01, 0.02, 0.03):
        tiers = [deltas(0.02 + shift, value=value) for value in ("conf50", "conf85", "conf99")]
        tables.append(pd.concat([*tiers, deltas(0.02 + shift, metric="f1")], ignore_index=True))
    _, means = compare_sites(tables, list("abcd"), 0.05, "holm")
    ranking, f1 = means[means.metric == "average_precision"], means[means.metric == "f1"].iloc[0]
    assert ranking.p_adjusted.tolist() == pytest.approx((3 * ranking.p).tolist())
    assert f1.p_adjusted == pytest.approx(f1.p)


def test_heterogeneity_is_that_of_a_worked_example():
    """Two estimates 0 and 2 with standard error 1: Q = 2, so tau squared = (2 - 1) / (2 - 1) = 1."""
    found = measure_heterogeneity(np.array([0.0, 2.0]), np.array([1.0, 1.0]))
    assert found.tau == pytest.approx(1.0) and found.i_squared == pytest.approx(0.5)


@pytest.mark.slow
@pytest.mark.parametrize("sites", [4, 6, 10])
@pytest.mark.parametrize("tails", ["normal", "heavy", "skewed"])
def test_effects_that_differ_between_sites_and_are_none_on_average_are_seldom_called(sites, tails):
    """50 of 1,000 studies are expected, and 69 are the 99.7 % limit of a binomial."""
    rng, studies = np.random.default_rng(sites), 1000
    true = {
        "normal": rng.normal(0, 0.05, (sites, studies)),
        "heavy": rng.standard_t(3, (sites, studies)) * 0.03,
        "skewed": (rng.exponential(1, (sites, studies)) - 1) * 0.05,
    }[tails]
    errors = rng.uniform(0.01, 0.05, (sites, studies))
    estimates = true + rng.normal(0, errors)
    one = deltas(0.0)
    tables = [
        pd.concat([one] * studies, ignore_index=True).assign(
            baseline=[f"study {number}" for number in range(studies)], difference=estimates[site],
            standard_error=errors[site],
        )
        for site in range(sites)
    ]  # fmt: skip
    _, means = compare_sites(tables, list(map(str, range(sites))), 0.05, "holm")
    called = int(means.verdict.isin(["improves", "hurts"]).sum())
    assert called <= 69
