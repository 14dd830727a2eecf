import itertools
import math
import re
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import average_precision_score, roc_auc_score
from statsmodels.stats.power import TTestPower

from hardneg.benchmarks import calibration
from hardneg.models import metrics
from hardneg.models.metrics import METRICS
from hardneg.statistics import paired_tests
from hardneg.statistics.bootstrap import estimate_night_intervals, two_way_bootstrap
from hardneg.statistics.scored_files import ScoredFiles
from hardneg.statistics.weighted_metrics import WeightedMetrics

# Hours of sleep gained with one drug over another: Student, Biometrika 6 (1908), table on p. 20.
SLEEP = np.array([1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4])
# Darwin's maize, crossed less self-fertilised, eighths of an inch: R. A. Fisher, The Design of Experiments (1935), table 3.
DARWIN = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48])


def test_students_sleep_data_give_students_t():
    found = paired_tests.estimate_paired_mean(SLEEP)
    assert found.difference == pytest.approx(1.58)
    assert found.difference / found.standard_error == pytest.approx(4.0621, abs=1e-4)
    assert found.p == pytest.approx(0.002833, abs=1e-6)
    assert (found.low, found.high) == pytest.approx((0.7001, 2.4599), abs=1e-4)


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
def test_the_smallest_p_is_reached_when_all_seeds_agree_and_five_cannot_reach_one_in_twenty(n):
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
    ("difference", "error", "adjusted", "better", "said"),
    [
        (0.10, 0.01, 0.001, True, "improves"),
        (0.10, 0.01, 0.001, False, "hurts"),
        (-0.10, 0.01, 0.001, True, "hurts"),
        (0.10, 0.01, 0.30, True, "undecided"),
        (0.001, 0.005, 0.9, True, "no effect larger than d"),
        (0.02, 0.05, 0.7, True, "undecided"),
        (0.02, math.nan, math.nan, True, "undecided"),
    ],
)
def test_the_verdict_follows_its_rules(difference, error, adjusted, better, said):
    estimate = paired_tests.estimate_from_error(difference, error, 20)
    assert paired_tests.decide_verdict(estimate, adjusted, bound=0.03, higher_is_better=better) == said


@pytest.mark.parametrize("seeds", [4, 6, 10, 40])
def test_the_detectable_effect_has_the_power_asked_for(seeds):
    effect = paired_tests.compute_detectable_effect(1.0, 0.0, seeds)
    assert TTestPower().power(effect, seeds, 0.05) == pytest.approx(0.8, abs=0.02)
    assert paired_tests.count_seeds_needed(effect * 1.001, 1.0, 0.0) == seeds


def test_fewer_nights_need_a_larger_effect_or_more_seeds():
    effects = [paired_tests.compute_detectable_effect(0.02, 0.01**2, 5, fixed_df=freedom) for freedom in (2, 9, 39)]
    assert effects == sorted(effects, reverse=True) and effects[0] > 1.1 * effects[-1]
    needed = [paired_tests.count_seeds_needed(0.05, 0.03, 0.01**2, fixed_df=freedom) for freedom in (3, 39)]
    assert needed[0] > needed[1]
    for seeds in range(2, int(needed[0]) + 1):
        enough = paired_tests.compute_detectable_effect(0.03, 0.01**2, seeds, fixed_df=3) <= 0.05
        assert enough == (seeds == needed[0])


def test_more_seeds_cannot_make_up_for_too_few_nights():
    assert paired_tests.count_seeds_needed(0.03, seed_sd=0.02, fixed_variance=0.02**2) == math.inf
    assert paired_tests.count_seeds_needed(0.03, seed_sd=0.02, fixed_variance=0.0) < 10
    assert math.isnan(paired_tests.compute_detectable_effect(0.1, 0.0, 1))


def study(seed, seeds=3, nights=12, files=60, effect=0.0, levels=None):
    rng = np.random.default_rng(seed)
    labels, night = rng.integers(0, 2, files), rng.permutation(np.arange(files) % nights)

    def one(gain):
        scores = 1 / (1 + np.exp(-(rng.standard_normal(files) + (1 + gain) * labels)))
        scores = np.round(scores, levels) if levels else scores
        return ScoredFiles(labels, scores, night, rng.uniform(0.1, 1, files), 0.6)

    return [one(effect) for _ in range(seeds)], [one(0.0) for _ in range(seeds)]


@pytest.mark.parametrize("levels", [None, 1])
def test_a_weighted_measure_is_that_of_files_repeated_as_often(levels):
    (run, *_), _ = study(1, levels=levels)
    weights = np.random.default_rng(2).multinomial(12, np.full(12, 1 / 12), size=6)
    found = WeightedMetrics(run).measure(weights.astype(float))
    for row, weight in zip(found, weights, strict=True):
        copies = np.repeat(np.arange(len(run.labels)), weight[run.nights])
        labels, scores = run.labels[copies], run.confidences[copies]
        at = metrics.measure_at_threshold(labels, scores, run.threshold, 3600 * run.hours[copies].sum())
        expected = [average_precision_score(labels, scores), roc_auc_score(labels, scores)]
        expected += [at[name] for name in ("f1", "precision", "recall", "false_positives_per_hour")]
        assert list(row) == pytest.approx(expected, rel=1e-5)


def test_the_estimate_is_the_plain_mean_difference():
    own, base = study(3)
    found = two_way_bootstrap(own, base, resamples=50)
    plain = [average_precision_score(a.labels, a.confidences) - average_precision_score(b.labels, b.confidences)
             for a, b in zip(own, base, strict=True)]  # fmt: skip
    assert set(found) == set(METRICS)
    assert found["average_precision"].estimate.difference == pytest.approx(np.mean(plain), rel=1e-5)


def test_the_bootstrap_is_repeatable_and_does_not_depend_on_its_chunks(monkeypatch):
    own, base = study(3)
    whole = two_way_bootstrap(own, base, resamples=200)
    assert two_way_bootstrap(own, base, resamples=200) == whole
    monkeypatch.setattr("hardneg.statistics.bootstrap.MAX_CHUNK_CELLS", 600)
    pieces = two_way_bootstrap(own, base, resamples=200)
    assert pieces["f1"].estimate.standard_error == pytest.approx(whole["f1"].estimate.standard_error, rel=0.2)


def on_few_nights(seed, seeds=3, nights=12, calling=3):
    """Runs on a test set whose positives lie on a few of the nights; all files are of one length."""
    rng = np.random.default_rng(seed)
    night = np.repeat(np.arange(nights), 10)
    labels = rng.integers(0, 2, len(night)) * (night < calling)

    def one():
        scores = 1 / (1 + np.exp(-(rng.standard_normal(len(night)) + labels)))
        return ScoredFiles(labels, scores, night, np.full(len(night), 0.5), 0.6)

    return [one() for _ in range(seeds)], [one() for _ in range(seeds)]


def test_nights_that_a_metric_does_not_count_give_it_no_degrees_of_freedom():
    own, base = on_few_nights(1)
    found = {metric: result.night_df for metric, result in two_way_bootstrap(own, base, resamples=50).items()}
    positives = np.bincount(own[0].nights, own[0].labels)
    for metric in ("recall", "average_precision", "auroc"):
        assert found[metric] == pytest.approx(positives.sum() ** 2 / (positives**2).sum() - 1)
        assert 1 < found[metric] <= 2
    assert found["false_positives_per_hour"] == pytest.approx(11)
    assert 2 < found["f1"] < found["precision"] < 11
    one = two_way_bootstrap(*on_few_nights(1, calling=1), resamples=200)
    assert math.isfinite(one["recall"].estimate.difference) and math.isnan(one["recall"].estimate.p)
    assert math.isfinite(one["false_positives_per_hour"].estimate.p)


@pytest.mark.parametrize("seeds", [2, 3])
def test_a_few_seeds_that_agree_leave_few_degrees_of_freedom(seeds):
    freedom = paired_tests.combine_degrees_of_freedom(1e-9, seeds, 1e-4, 39)
    assert freedom == paired_tests.MAX_DF_PER_SEED_DF * (seeds - 1)
    for metric, result in two_way_bootstrap(*study(8, seeds=seeds, nights=30, files=300), resamples=200).items():
        assert result.estimate.degrees_of_freedom <= freedom, metric


def test_enough_seeds_leave_the_degrees_of_freedom_as_satterthwaite_has_them():
    assert paired_tests.combine_degrees_of_freedom(2.0, 20, 1.0, 10) == pytest.approx(9 / (4 / 19 + 1 / 10))


def test_what_is_planned_for_is_what_decides():
    own, base = study(8, seeds=4, nights=20, files=200)
    found = two_way_bootstrap(own, base, resamples=300)
    changes = [metrics.measure_at_threshold(a.labels, a.confidences, 0.6, 1)["f1"] - metrics.measure_at_threshold(b.labels, b.confidences, 0.6, 1)["f1"]
               for a, b in zip(own, base, strict=True)]  # fmt: skip
    result = found["f1"]
    planned = paired_tests.compute_detectable_effect(
        float(np.std(changes, ddof=1)), result.night_variance, 4, 0.05, 0.8, fixed_df=result.night_df
    )
    quantiles = stats.t.ppf([0.975, 0.8], result.estimate.degrees_of_freedom).sum()
    assert result.night_variance > 0 and planned == pytest.approx(quantiles * result.estimate.standard_error)


def test_runs_that_differ_by_nothing_show_no_spread_to_judge_by():
    own, _ = study(4)
    estimate = two_way_bootstrap(own, own, resamples=100)["f1"].estimate
    assert estimate.difference == 0
    assert all(math.isnan(value) for value in (estimate.low, estimate.high, estimate.p))
    assert paired_tests.decide_verdict(estimate, estimate.p, bound=0.03) == "undecided"


@pytest.mark.parametrize("difference", [0.0, 0.1])
def test_no_observed_spread_is_no_certainty(difference):
    estimate = paired_tests.estimate_paired_mean(difference + np.array([0, 1e-17, 0]))
    assert estimate.difference == pytest.approx(difference)
    assert all(math.isnan(value) for value in (estimate.low, estimate.high, estimate.p))
    assert math.isnan(paired_tests.compute_equivalence_p(estimate, 0.03))
    assert paired_tests.decide_verdict(estimate, estimate.p, bound=0.03) == "undecided"
    assert math.isnan(paired_tests.compute_detectable_effect(1e-17, 0.0, 3))
    assert math.isnan(paired_tests.count_seeds_needed(0.03, 1e-17, 0.0))


def test_one_seed_gives_a_difference_and_no_verdict():
    own, base = study(5, seeds=1)
    estimate = two_way_bootstrap(own, base, resamples=50)["f1"].estimate
    assert math.isfinite(estimate.difference) and math.isnan(estimate.p)


def test_one_night_gives_no_interval_of_a_runs_own_metrics():
    (run,), _ = study(5, seeds=1, nights=1)
    assert all(
        math.isnan(low) and math.isnan(high) for low, high in estimate_night_intervals(run, resamples=50).values()
    )
    (run,), _ = study(5, seeds=1, nights=8)
    assert all(low < high for low, high in estimate_night_intervals(run, resamples=50).values())


@pytest.mark.slow
@pytest.mark.parametrize("calling", [1.0, 0.25])
def test_seeds_alone_cry_wolf_where_a_tier_suits_some_nights_and_resampled_nights_do_not(calling):
    studies = 150
    alone, both = np.zeros(studies), np.zeros(studies)
    for place in range(studies):
        rng = np.random.default_rng([place, round(100 * calling)])
        own, base = calibration.simulate_study(rng, 10, 0.0, calling)
        recalls = [[metrics.measure_at_threshold(run.labels, run.confidences, run.threshold, 1)["recall"] for run in runs]
                   for runs in (own, base)]  # fmt: skip
        alone[place] = paired_tests.estimate_paired_mean(np.subtract(*recalls)).p
        both[place] = two_way_bootstrap(own, base, resamples=100, seed=place)["recall"].estimate.p
    assert np.mean(alone <= 0.05) > 0.2
    assert stats.binomtest(int(np.sum(both <= 0.05)), studies).proportion_ci(0.95).low <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize("calling", [1.0, 0.25])
def test_verdicts_on_simulated_studies_keep_their_promises(calling):
    table = calibration.calibrate(200, [3, 10], [0.0, 0.3], [calling], 0.03, resamples=200, workers=2)
    assert calibration.format_markdown(table).count(f"| {100 * calling:g} % |") == len(table) == 2 * 2 * 3
    table = table.set_index(["effect", "seeds", "metric"])
    for seeds, metric in itertools.product([3, 10], calibration.SHOWN_METRICS):
        null, planted = table.loc[(0.0, seeds, metric)], table.loc[(0.3, seeds, metric)]
        assert null["called at all low"] <= 0.05, "false positives"
        assert null["covered high"] >= 0.95 and planted["covered high"] >= 0.95, "intervals too narrow"
        assert null["covered low"] <= 0.97, "intervals far too wide"  # 0.95 and simulation error
        assert planted["improves"] > null["improves"] and planted["hurts low"] < 0.025
    for metric in calibration.SHOWN_METRICS if calling == 1 else ():  # on few nights it is these that limit the power
        assert table.loc[(0.3, 10, metric), "improves"] > table.loc[(0.3, 3, metric), "improves"], (
            "power rises with seeds"
        )


def cost_of_ten_thousand_resamples():
    """Processor time (s), and how much the most memory ever held has grown (kB; of this program, unlike ru_maxrss)."""

    def peak_memory():
        return int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])

    own, base = study(6, seeds=3, nights=120, files=3585)
    before, start = peak_memory(), time.process_time()
    two_way_bootstrap(own, base, resamples=10_000)
    return time.process_time() - start, peak_memory() - before


@pytest.mark.slow
def test_ten_thousand_resamples_of_the_studys_test_set_take_seconds_and_little_memory():
    with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
        seconds, kilobytes = fresh.submit(cost_of_ten_thousand_resamples).result()
    assert seconds < 20  # 10 s on a quiet core; processor time, but a neighbor slows that too
    assert 1_000 < kilobytes < 150_000  # 22 MB; 335 MB if all resamples were drawn at once
