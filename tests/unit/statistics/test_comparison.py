from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hardneg.common.errors import InputError
from hardneg.experiments import matrix
from hardneg.models.metrics import COMPARED_METRICS, MATCHED_METRICS, METRICS, TEST_SPLIT_METRICS
from hardneg.recordings.manifest import TEST_SPLITS
from hardneg.report import findings, terminal_summary
from hardneg.statistics import comparison, paired_tests, run_pairs, seed_planning
from hardneg.statistics.run_pairs import Comparison
from hardneg.statistics.scored_files import ScoredFiles


@pytest.fixture
def runs():
    """Two subsets by two tiers by three seeds; the tier adds 0.1 to the score of the subset and the seed."""
    table = matrix.expand(
        {"positive_subset": ["a", "b"], "negative_tier": ["none", "hard"], "validation": ["holdout"], "seed": [1, 2, 3]}
    )
    score = (
        0.5
        + 0.2 * (table.positive_subset == "b")
        + 0.1 * (table.negative_tier == "hard")
        + 0.01 * table.seed.astype(int)
    )
    parts = [table.assign(split=split, **dict.fromkeys(METRICS, score)) for split in TEST_SPLITS]
    return pd.concat(parts, ignore_index=True)


AXES = ["positive_subset", "negative_tier", "validation"]


TIERS = [Comparison("negative_tier", "none")]


SETTINGS = comparison.StatisticsSettings(
    alpha=0.05, p_adjustment="holm", power=0.8, resamples=100, effects_of_interest=dict.fromkeys(COMPARED_METRICS, 0.03)
)


def test_differences_are_taken_within_each_configuration_and_seed(runs):
    deltas = comparison.compare_runs(runs, TIERS, AXES, SETTINGS).deltas
    assert len(deltas) == 2 * 2 * len(METRICS)
    assert set(deltas.value) == {"hard"} and set(deltas.n) == {3}
    assert deltas.difference.to_numpy() == pytest.approx(0.1)
    row = deltas[(deltas.positive_subset == "b") & (deltas.metric == "f1")].iloc[0]
    assert (row["mean"], row["std"], row.baseline_mean) == pytest.approx((0.82, 0.01, 0.72))


def test_only_false_positives_are_compared_in_the_held_out_pool(runs):
    rng = np.random.default_rng(0)
    nights = np.arange(60) % 6
    scores = {
        (tier, split, seed): ScoredFiles(
            np.append(np.ones(12, int), np.zeros(48, int)),
            rng.uniform(0, 1 - 0.4 * (tier == "hard"), 60),
            nights, np.where(np.arange(60) < 12, 0.0, 0.1), 0.5, night_set=split,
        )
        for tier in ("none", "hard") for split in (*TEST_SPLITS, "test_pool") for seed in "123"
    }  # fmt: skip
    pool = runs[runs.split == "test_ood"].assign(split="test_pool")
    deltas = comparison.compare_runs(
        pd.concat([runs, pool]), TIERS, AXES, SETTINGS,
        lambda run, split: scores[run["negative_tier"], split, run["seed"]],
    ).deltas  # fmt: skip
    metrics = deltas.groupby("split").metric.agg(set)
    assert metrics["test_pool"] == {"false_positives_per_hour", "fp_rate_at_baseline_recall"}
    assert metrics["test_ood"] == metrics["test_iid"] == set(TEST_SPLIT_METRICS)


def test_a_steady_gain_improves_and_more_false_positives_hurt(runs):
    rng = np.random.default_rng(0)
    noisy = runs.assign(**{metric: runs[metric] + rng.normal(0, 0.003, len(runs)) for metric in METRICS})
    verdicts = comparison.compare_runs(noisy, TIERS, AXES, SETTINGS).deltas.groupby("metric").verdict.unique()
    assert list(verdicts["f1"]) == ["improves"]
    assert list(verdicts["false_positives_per_hour"]) == ["hurts"]


def test_p_is_adjusted_within_one_comparison_and_metric(runs):
    rng = np.random.default_rng(0)
    noisy = runs.assign(f1=runs.f1 + rng.normal(0, 0.1, len(runs)))
    deltas = comparison.compare_runs(noisy, TIERS, AXES, SETTINGS).deltas
    family = deltas[deltas.metric == "f1"]
    assert len(family) == 4
    assert family.p_adjusted.to_numpy() == pytest.approx(paired_tests.adjust_p_values(family.p.to_numpy()))
    assert (family.p_adjusted > family.p).any()


def test_seeds_are_planned_for_the_level_that_the_adjusted_p_is_compared_with(runs):
    rng = np.random.default_rng(0)
    noisy = runs.assign(f1=runs.f1 + rng.normal(0, 0.02, len(runs)))
    noisy.loc[(noisy.split == "test_iid") & (noisy.positive_subset == "a"), "f1"] = np.nan
    pairs = run_pairs.pair_runs(noisy, TIERS[0], AXES)
    family = comparison.compare_runs(noisy, TIERS, AXES, SETTINGS).deltas.query("metric == 'f1'")
    assert family.p.notna().sum() == 3
    for row in family[family.p.notna()].itertuples():
        same = "metric == 'f1' and split == @row.split and positive_subset == @row.positive_subset"
        spread = float(pairs.query(same).change.std())
        assert row.detectable_effect == pytest.approx(seed_planning.compute_detectable_effect(spread, 0.0, 3, 0.05 / 3))
        assert row.seeds_needed == seed_planning.count_seeds_needed(0.03, spread, 0.0, 0.05 / 3)


def test_a_seed_without_its_partner_is_not_compared(runs):
    incomplete = runs[~((runs.negative_tier == "none") & (runs.seed == "3"))]
    assert set(comparison.compare_runs(incomplete, TIERS, AXES, SETTINGS).deltas.n) == {2}


def test_a_missing_baseline_and_a_repeated_run_are_named(runs):
    with pytest.raises(InputError, match="no run has negative_tier = nothing; there are: hard, none"):
        comparison.compare_runs(runs, [Comparison("negative_tier", "nothing")], AXES, SETTINGS)
    with pytest.raises(InputError, match="runs occur twice"):
        comparison.compare_runs(pd.concat([runs, runs.head(1)]), TIERS, AXES, SETTINGS)


def test_a_baseline_that_shares_no_seed_with_another_value_is_named(runs):
    incomplete = runs[(runs.negative_tier == "none") == (runs.seed == "3")]
    with pytest.raises(InputError, match="no run of another negative_tier shares its seed and other axes"):
        comparison.compare_runs(incomplete, TIERS, AXES, SETTINGS)


def test_the_terminal_shows_differences_in_points(runs):
    text = terminal_summary.format_differences(comparison.compare_runs(runs, TIERS, AXES, SETTINGS).deltas)
    assert "negative_tier compared with none" in text
    assert text.count("+10.0") == 16
    assert text.count("no verdict") == 4


def test_the_effect_of_hardness_is_separated_from_the_effect_of_size(runs):
    random = runs[runs.negative_tier == "hard"].assign(negative_tier="random")
    random = random.assign(**{metric: random[metric] - 0.06 for metric in METRICS})
    both = [*TIERS, Comparison("negative_tier", "random")]
    deltas = comparison.compare_runs(pd.concat([runs, random]), both, AXES, SETTINGS).deltas
    controls = findings.find_controls(
        {"none": {}, "hard": {"min_confidence": 0.5}, "random": {"match_size_of": "hard"}}
    )
    assert controls == {"hard": ["random"]}
    rows = findings.separate_hardness_from_size(deltas, controls, "none")
    assert len(rows) == 2 * 2 * 2
    first = next(row for row in rows if row.metric == "F1" and "OOD" in row.split)
    assert (first.tier, first.control) == ("hard", "random")
    assert (first.size_effect.difference, first.hardness_effect.difference) == ("+4.0", "+6.0")


def test_the_effect_of_hardness_is_separated_from_that_of_size_at_each_value_of_any_axis(runs):
    random = runs[runs.negative_tier == "hard"].assign(negative_tier="random")
    tiers = pd.concat([runs, random])
    wide = pd.concat([tiers.assign(dropout=dropout) for dropout in ("0.1", "0.5")])
    gain = 0.2 * ((wide.negative_tier == "random") & (wide.dropout == "0.5"))
    wide = wide.assign(**{metric: wide[metric] - gain for metric in METRICS})
    vary = [*TIERS, Comparison("negative_tier", "random"), Comparison("dropout", "0.1")]
    deltas = comparison.compare_runs(wide, vary, [*AXES, "dropout"], SETTINGS).deltas
    rows = findings.separate_hardness_from_size(deltas, {"hard": ["random"]}, "none")
    assert len(rows) == 2 * 2 * 2 * 2
    harder = {row.configuration: row.hardness_effect.difference for row in rows}
    assert harder == {"a, 0.1": "+0.0", "a, 0.5": "+20.0", "b, 0.1": "+0.0", "b, 0.5": "+20.0"}


@pytest.fixture
def load_scores():
    """File scores on 12 test nights and 6 validation nights; the tier separates the classes better."""

    def load(run, split):
        rng = np.random.default_rng([int(run["seed"]), ord(run["positive_subset"]), run["negative_tier"] == "hard"])
        labels, night = np.arange(240) % 3 == 0, np.arange(240) % 12

        def draw(count, name):
            noise = rng.standard_normal(count) + (2 + (run["negative_tier"] == "hard")) * labels[:count] - 1
            nights = night[:count] % (12 if name == "test" else 6)
            scores = 1 / (1 + np.exp(-noise))
            return ScoredFiles(labels[:count].astype(int), scores, nights, np.ones(count), 0.5, night_set=name + split)

        return replace(draw(240, "test"), validation=draw(60, "validation"))

    return load


def test_matched_operating_points_are_compared_like_any_other_metric(runs, load_scores):
    compared = comparison.compare_runs(runs, TIERS, AXES, SETTINGS, load_scores)
    assert set(compared.deltas.metric) == set(TEST_SPLIT_METRICS)
    matched = compared.deltas[compared.deltas.metric.isin(MATCHED_METRICS)]
    assert (matched.difference > 0).all() and matched.p.notna().all()
    pairs = compared.pairs[compared.pairs.metric == "precision_at_baseline_recall"]
    assert len(pairs) == 12 and set(pairs.columns) == set(compared.pairs.columns)
    first = matched[matched.metric == "precision_at_baseline_recall"].iloc[0]
    same = pairs[(pairs.split == first.split) & (pairs.positive_subset == first.positive_subset)]
    assert first.difference == pytest.approx(same.change.mean())


def test_equivalence_is_adjusted_within_the_family_too(runs, load_scores):
    deltas = comparison.compare_runs(runs, TIERS, AXES, SETTINGS, load_scores).deltas
    family = deltas[deltas.metric == "f1"]
    adjusted = paired_tests.adjust_p_values(family.p_equivalence.to_numpy())
    assert family.p_equivalence_adjusted.to_numpy() == pytest.approx(adjusted)


def test_without_file_scores_there_are_no_matched_operating_points(runs):
    assert set(comparison.compare_runs(runs, TIERS, AXES, SETTINGS).deltas.metric) == set(METRICS)


def test_what_has_no_interval_says_why(runs, load_scores):
    one_seed = runs[runs.seed == "1"]
    deltas = comparison.compare_runs(one_seed, TIERS, AXES, SETTINGS, load_scores).deltas
    assert set(deltas.verdict) == {"no verdict"} and set(deltas.reason) == {"one seed"}
