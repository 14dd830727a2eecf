import numpy as np
import pandas as pd
import pytest
from scipy import stats

from hardneg.common.errors import InputError
from hardneg.statistics import study_planning
from hardneg.statistics.paired_tests import combine_degrees_of_freedom
from hardneg.statistics.study_planning import Spread, plan_design


def simulate_power(effect, spread, seeds, nights, studies=4000):
    """Share of studies that find a true effect; each estimates both spreads from its own seeds and nights."""
    rng = np.random.default_rng(1)
    by_seed = rng.normal(0, spread.seed_sd, (studies, seeds))
    by_night = rng.normal(0, spread.night_sd, (studies, nights))
    estimate = effect + by_seed.mean(axis=1) + by_night.mean(axis=1)
    seed_variance, night_variance = by_seed.var(axis=1, ddof=1) / seeds, by_night.var(axis=1, ddof=1) / nights
    found = 0
    for mean, of_seeds, of_nights in zip(estimate, seed_variance, night_variance, strict=True):
        df = combine_degrees_of_freedom(of_seeds, seeds, of_nights, nights - 1)
        found += stats.t.sf(abs(mean) / np.sqrt(of_seeds + of_nights), df) * 2 <= 0.05 / spread.arms
    return found / studies


@pytest.mark.parametrize(
    ("spread", "seeds", "nights"),
    [
        (Spread(0.03, 0.10, 1), 5, 20),
        (Spread(0.05, 0.05, 1), 8, 40),
        (Spread(0.01, 0.20, 4), 6, 30),
        (Spread(0.04, 0.12, 4), 10, 12),
    ],
)
def test_the_planned_difference_is_found_in_four_of_five_simulated_studies(spread, seeds, nights):
    effect = plan_design(spread, [seeds], [nights]).detectable_effect[0]
    assert simulate_power(effect, spread, seeds, nights) == pytest.approx(0.8, abs=0.06)


def test_more_seeds_help_only_as_far_as_nights_allow():
    table = plan_design(Spread(0.02, 0.2, 1), [3, 1000], [10, 40]).set_index(["seeds", "nights"]).detectable_effect
    assert table[3, 10] > table[1000, 10] > table[1000, 40]
    assert table[1000, 10] == pytest.approx(0.2 / np.sqrt(10) * (stats.t.ppf(0.975, 9) + stats.t.ppf(0.8, 9)), rel=0.01)
    assert plan_design(Spread(0.02, 0.2, 1), [3], [1]).detectable_effect.isna().all()


def finished_study(seeds=(1, 2, 3)):
    changes = {"hard": [0.01, 0.05, 0.03], "random": [0.0, 0.02, 0.04]}
    pairs = pd.DataFrame(
        [("tier", value, "none", "test_ood", "f1", seed, change)
         for value, of_seeds in changes.items() for seed, change in zip(seeds, of_seeds, strict=False)],
        columns=["vary", "value", "baseline", "split", "metric", "seed", "change"],
    )  # fmt: skip
    error = np.sqrt(0.02**2 / 3 + 0.1**2 / 8)
    deltas = pairs.drop_duplicates("value").drop(columns=["seed", "change"]).assign(standard_error=error)
    recordings = pd.DataFrame({"split": "test_ood", "file_path": [f"{n}.wav" for n in range(16)]})
    recordings["group"] = recordings["night"] = [f"2025-01-{1 + n // 2:02d}" for n in range(16)]
    return deltas, pairs, recordings.assign(site="s", recorder_id="r")


def test_the_spread_of_seeds_and_of_nights_is_read_from_a_finished_study():
    deltas, pairs, _ = finished_study()
    spread = study_planning.estimate_spreads(deltas, pairs, {"test_ood": 8})["test_ood", "f1"]
    assert (spread.seed_sd, spread.night_sd, spread.arms) == (pytest.approx(0.02), pytest.approx(0.1), 2)


def test_a_plan_has_multiples_of_the_nights_of_the_study():
    table = study_planning.plan_from_results(*finished_study(), ["f1"], [3, 10], [1, 2])
    assert list(table.nights) == [8, 16, 8, 16] and table.detectable_effect.notna().all()
    with pytest.raises(InputError, match="at least two seeds"):
        study_planning.plan_from_results(*finished_study(seeds=(1,)), ["f1"], [3], [1])
