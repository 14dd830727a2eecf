import math
import re
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import average_precision_score, roc_auc_score

from hardneg.models import metrics
from hardneg.models.metrics import COMPARED_METRICS
from hardneg.models.ranking_curves import trace_ranking_curve
from hardneg.models.thresholds import choose_threshold
from hardneg.statistics import paired_tests, seed_planning, verdicts
from hardneg.statistics.difference_estimates import bootstrap_difference, estimate_night_intervals
from hardneg.statistics.night_resampling import ResampledRun, draw_night_weights
from hardneg.statistics.scored_files import ScoredFiles
from hardneg.statistics.weighted_metrics import WeightedMetrics


def study(seed, seeds=3, nights=12, files=60, effect=0.0, levels=None):
    """Runs with an effect and without, on files of random length that are spread over the nights."""
    rng = np.random.default_rng(seed)
    labels, night = rng.integers(0, 2, files), rng.permutation(np.arange(files) % nights)

    def run(gain):
        scores = 1 / (1 + np.exp(-(rng.standard_normal(files) + (1 + gain) * labels)))
        scores = np.round(scores, levels) if levels else scores
        return ScoredFiles(labels, scores, night, rng.uniform(0.1, 1, files), 0.6)

    return [run(effect) for _ in range(seeds)], [run(0.0) for _ in range(seeds)]


@pytest.mark.parametrize("levels", [None, 1])
def test_a_weighted_metric_is_that_of_files_repeated_as_often(levels):
    (run, *_), _ = study(1, levels=levels)
    weights = np.random.default_rng(2).multinomial(12, np.full(12, 1 / 12), size=6)
    scorer, weights = WeightedMetrics(run), weights.astype(float)
    threshold = np.array([run.threshold])
    measured = np.column_stack([scorer.measure_ranking(weights), scorer.count_flagged(weights, threshold).rate()])
    for row, weight in zip(measured, weights, strict=True):
        copies = np.repeat(np.arange(len(run.labels)), weight[run.nights].astype(int))
        labels, scores = run.labels[copies], run.confidences[copies]
        at_threshold = metrics.measure_at_threshold(labels, scores, run.threshold, 3600 * run.hours[copies].sum())
        expected = [average_precision_score(labels, scores), roc_auc_score(labels, scores)]
        expected += [getattr(at_threshold, name) for name in ("f1", "precision", "recall", "false_positives_per_hour")]
        assert list(row) == pytest.approx(expected, rel=1e-5)


def test_the_estimate_is_the_plain_mean_difference():
    runs, baseline = study(3)
    estimates = bootstrap_difference(runs, baseline, resamples=50)
    plain = [average_precision_score(a.labels, a.confidences) - average_precision_score(b.labels, b.confidences)
             for a, b in zip(runs, baseline, strict=True)]  # fmt: skip
    assert set(estimates) == set(COMPARED_METRICS)
    assert estimates["average_precision"].estimate.difference == pytest.approx(np.mean(plain), rel=1e-5)


def test_the_bootstrap_is_repeatable_and_does_not_depend_on_its_chunks(monkeypatch):
    runs, baseline = study(3)
    whole = bootstrap_difference(runs, baseline, resamples=200)
    assert bootstrap_difference(runs, baseline, resamples=200) == whole
    monkeypatch.setattr("hardneg.statistics.weighted_metrics.MAX_CHUNK_CELLS", 600)
    pieces = bootstrap_difference(runs, baseline, resamples=200)
    for metric in COMPARED_METRICS:
        assert pieces[metric].estimate.standard_error == pytest.approx(whole[metric].estimate.standard_error)


def on_few_nights(seed, seeds=3, nights=12, calling=3):
    """Runs on a test set whose positives lie on a few of the nights; all files are of one length."""
    rng = np.random.default_rng(seed)
    night = np.repeat(np.arange(nights), 10)
    labels = rng.integers(0, 2, len(night)) * (night < calling)

    def run():
        scores = 1 / (1 + np.exp(-(rng.standard_normal(len(night)) + labels)))
        return ScoredFiles(labels, scores, night, np.full(len(night), 0.5), 0.6)

    return [run() for _ in range(seeds)], [run() for _ in range(seeds)]


def test_nights_that_do_not_count_for_a_metric_add_no_degrees_of_freedom():
    runs, baseline = on_few_nights(1)
    estimates = bootstrap_difference(runs, baseline, resamples=50)
    night_df = {metric: estimate.test_nights.df for metric, estimate in estimates.items()}
    positives = np.bincount(runs[0].nights, runs[0].labels)
    for metric in ("recall", "average_precision", "auroc"):
        assert night_df[metric] == pytest.approx(positives.sum() ** 2 / (positives**2).sum() - 1)
        assert 1 < night_df[metric] <= 2
    assert night_df["false_positives_per_hour"] == pytest.approx(11)
    assert 2 < night_df["f1"] < night_df["precision"] < 11
    one_night = bootstrap_difference(*on_few_nights(1, calling=1), resamples=200)
    assert math.isfinite(one_night["recall"].estimate.difference) and math.isnan(one_night["recall"].estimate.p)
    assert math.isfinite(one_night["false_positives_per_hour"].estimate.p)


@pytest.mark.parametrize("seeds", [2, 3])
def test_a_few_seeds_that_agree_leave_few_degrees_of_freedom(seeds):
    df = paired_tests.combine_degrees_of_freedom(1e-9, seeds, 1e-4, 39)
    assert df == paired_tests.MAX_DF_PER_SEED_DF * (seeds - 1)
    for metric, result in bootstrap_difference(*study(8, seeds=seeds, nights=30, files=300), resamples=200).items():
        assert result.estimate.degrees_of_freedom <= df, metric


def test_the_detectable_effect_is_planned_with_the_error_that_decides():
    runs, baseline = study(8, seeds=4, nights=20, files=200)
    result = bootstrap_difference(runs, baseline, resamples=300)["f1"]
    scores, baseline_scores = (
        [metrics.measure_at_threshold(run.labels, run.confidences, 0.6, 1).f1 for run in arm]
        for arm in (runs, baseline)
    )
    changes = np.subtract(scores, baseline_scores)
    planned = seed_planning.compute_detectable_effect(
        float(np.std(changes, ddof=1)), result.test_nights.variance, 4, 0.05, 0.8, night_df=result.test_nights.df
    )
    quantiles = stats.t.ppf([0.975, 0.8], result.estimate.degrees_of_freedom).sum()
    assert result.test_nights.variance > 0 and planned == pytest.approx(quantiles * result.estimate.standard_error)


def test_identical_runs_have_no_spread_and_no_verdict():
    runs, _ = study(4)
    result = bootstrap_difference(runs, runs, resamples=100)["f1"]
    estimate = result.estimate
    assert estimate.difference == 0 and result.reason == "the runs do not differ"
    assert all(math.isnan(value) for value in (estimate.low, estimate.high, estimate.p))
    assert verdicts.decide_verdict(estimate.difference, estimate.p, estimate.p) == "no verdict"


def test_one_seed_gives_a_difference_and_no_verdict():
    runs, baseline = study(5, seeds=1)
    estimate = bootstrap_difference(runs, baseline, resamples=50)["f1"].estimate
    assert math.isfinite(estimate.difference) and math.isnan(estimate.p)


def test_one_night_gives_no_interval_of_a_runs_metrics():
    (run,), _ = study(5, seeds=1, nights=1)
    assert all(
        math.isnan(low) and math.isnan(high) for low, high in estimate_night_intervals(run, resamples=50).values()
    )
    (run,), _ = study(5, seeds=1, nights=8)
    assert all(low < high for low, high in estimate_night_intervals(run, resamples=50).values())


def with_validation(*arms, files=60, nights=6, seed=9):
    """Add validation files to runs, and the threshold of highest F1 on them. All seeds of an arm err alike."""
    rng = np.random.default_rng(seed)
    labels, night = rng.integers(0, 2, files), np.arange(files) % nights

    def add(run, error):
        scores = 1 / (1 + np.exp(-(0.3 * rng.standard_normal(files) + error + 2 * labels - 1)))
        threshold = choose_threshold(labels, scores)
        held_out = ScoredFiles(labels, scores, night, np.ones(files), threshold, night_set="validation")
        return replace(run, threshold=threshold, validation=held_out)

    errors = [rng.standard_normal(files) for _ in arms]
    return [[add(run, error) for run in arm] for arm, error in zip(arms, errors, strict=True)]


def test_thresholds_are_chosen_again_on_the_validation_nights_of_each_draw():
    (runs, *_), _ = with_validation(*study(1))
    run = ResampledRun(runs, resamples=20, seed=0)
    held_out = runs.validation
    weights = draw_night_weights(f"validation {held_out.night_set}", 6, 20, 0)
    assert len(set(run.thresholds)) > 3
    for threshold, weight in zip(run.thresholds, weights, strict=True):
        copies = np.repeat(np.arange(60), weight[held_out.nights].astype(int))
        assert threshold == pytest.approx(choose_threshold(held_out.labels[copies], held_out.confidences[copies]))


def test_the_choice_of_the_threshold_adds_to_the_uncertainty_of_operating_points_alone():
    runs, baseline = with_validation(*study(2, nights=20, files=400))
    frozen = bootstrap_difference([replace(run, validation=None) for run in runs],
                                  [replace(run, validation=None) for run in baseline], resamples=300)  # fmt: skip
    chosen = bootstrap_difference(runs, baseline, resamples=300)
    for metric in ("recall", "false_positives_per_hour"):
        assert chosen[metric].validation_nights.variance > 0 == frozen[metric].validation_nights.variance
        assert chosen[metric].estimate.standard_error > frozen[metric].estimate.standard_error
    assert chosen["auroc"].estimate == frozen["auroc"].estimate


def test_runs_on_the_same_nights_are_resampled_alike_and_others_independently():
    same = draw_night_weights("a", 12, 5, 0)
    assert np.array_equal(same, draw_night_weights("a", 12, 5, 0))
    assert not np.array_equal(same, draw_night_weights("b", 12, 5, 0))
    assert (same.sum(axis=1) == 11).all()


@pytest.mark.parametrize(("test_nights", "validation_nights", "reason"), [
    (2, 6, "fewer than 3 test nights count"), (12, 2, "fewer than 3 validation nights count"), (12, 6, "")])  # fmt: skip
def test_fewer_than_three_nights_give_an_estimate_and_the_reason_why_there_is_no_interval(
    test_nights, validation_nights, reason
):
    runs, baseline = with_validation(*study(3, nights=test_nights), nights=validation_nights)
    result = bootstrap_difference(runs, baseline, resamples=50)["f1"]
    assert math.isfinite(result.estimate.difference) and result.reason == reason
    assert math.isnan(result.estimate.p) == bool(reason)


def test_ranking_metrics_need_no_validation_nights():
    runs, baseline = with_validation(*study(3), nights=2)
    assert math.isfinite(bootstrap_difference(runs, baseline, resamples=50)["average_precision"].estimate.p)


def test_matched_operating_points_are_those_of_the_curve_of_the_repeated_files():
    (run, *_), _ = study(4)
    weights = np.random.default_rng(2).multinomial(12, np.full(12, 1 / 12), size=6).astype(float)
    recall, precision, fp_rate = np.full(6, 0.7), np.full(6, 0.6), np.full(6, 0.5)
    matched = WeightedMetrics(run).measure_matched(weights, recall, precision, fp_rate)
    for row, weight in zip(matched, weights, strict=True):
        copies = np.repeat(np.arange(len(run.labels)), weight[run.nights].astype(int))
        labels, scores, hours = run.labels[copies], run.confidences[copies], run.hours[copies].sum()
        curve = trace_ranking_curve(labels, scores)
        at_positive = np.isin(curve.thresholds, scores[labels == 1])
        tp, fp = curve.tp[at_positive], curve.fp[at_positive]
        enough = tp / labels.sum() >= 0.7
        assert row[0] == pytest.approx((tp / (tp + fp))[enough][0])
        assert row[1] == pytest.approx(max(tp[tp / (tp + fp) >= 0.6] / labels.sum(), default=0))
        assert row[2] == pytest.approx(max(tp[fp <= 0.5 * hours] / labels.sum(), default=0))
        assert row[3] == pytest.approx(fp[enough][0] / hours)


def test_files_without_any_call_have_false_positives_and_no_matched_operating_points():
    (run, *_), _ = study(4)
    silent = replace(run, labels=np.zeros_like(run.labels))
    estimates = bootstrap_difference([silent, silent], [silent, silent], resamples=50)
    assert estimates["false_positives_per_hour"].estimate.difference == 0
    assert estimates["fp_rate_at_baseline_recall"].reason == "undefined in at least one run"


def test_a_run_has_no_advantage_over_itself_at_its_own_operating_points():
    runs, _ = with_validation(*study(4))
    for metric, result in bootstrap_difference(runs, runs, resamples=50).items():
        assert result.estimate.difference == 0, metric


def measure_ten_thousand_resamples():
    """CPU time (s) and growth of the peak memory (kB). Unlike ru_maxrss, VmHWM is that of this program alone."""

    def peak_memory():
        return int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])

    runs, baseline = with_validation(*study(6, seeds=3, nights=120, files=3585), files=1200)
    before, start = peak_memory(), time.process_time()
    bootstrap_difference(runs, baseline, resamples=10_000)
    return time.process_time() - start, peak_memory() - before


@pytest.mark.slow
def test_ten_thousand_resamples_of_the_studys_test_set_take_seconds_and_little_memory():
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        seconds, kilobytes = pool.submit(measure_ten_thousand_resamples).result()
    assert seconds < 20  # 10 s on a quiet core; other load slows even CPU time
    assert 1_000 < kilobytes < 150_000  # 22 MB; 335 MB if all resamples were drawn at once
