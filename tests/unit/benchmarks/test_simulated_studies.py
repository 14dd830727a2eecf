import numpy as np
import pytest

from hardneg.benchmarks.simulated_studies import (
    ARMS,
    SHARED,
    USUAL,
    NightDesign,
    Strengths,
    StudyDesign,
    draw_files,
    simulate_study,
)
from hardneg.models.metrics import measure_at_threshold, measure_ranking
from hardneg.models.thresholds import choose_threshold
from hardneg.statistics.paired_tests import estimate_paired_mean

DESIGN = StudyDesign(3, NightDesign(8, 30, 0.4), NightDesign(12, 25, 0.2))


def mean_logits(study, arm, split="test"):
    files = [scores for (name, _), scores in getattr(study, split).items() if name == arm]
    confidences = np.mean([scores.confidences for scores in files], axis=0)
    return np.log(confidences / (1 - confidences))


def test_all_runs_of_a_study_score_the_same_files():
    study = simulate_study(DESIGN, np.random.default_rng(1))
    assert set(study.test) == set(study.validation) == {(arm, seed) for arm in ARMS for seed in range(3)}
    for split in (study.validation, study.test):
        first = split["none", 0]
        for scores in split.values():
            np.testing.assert_array_equal(scores.labels, first.labels)
            np.testing.assert_array_equal(scores.nights, first.nights)
        assert not np.array_equal(split["none", 0].confidences, split["none", 1].confidences)


def test_nights_are_unequal_and_calls_cluster_on_some_of_them():
    labels, nights = draw_files(NightDesign(2000, 25, 0.2), np.random.default_rng(1))
    sizes = np.bincount(nights)
    calling = np.bincount(nights, labels) / sizes
    assert sizes.mean() == pytest.approx(25, rel=0.05) and sizes.std() > 0.5 * sizes.mean()
    assert calling.mean() == pytest.approx(0.2, abs=0.02)
    assert np.mean(calling == 0) > 0.3 and np.mean(calling > 0.5) > 0.1


@pytest.mark.parametrize("prevalence", [0.05, 0.5])
def test_every_split_contains_both_classes(prevalence):
    for seed in range(200):
        labels, _ = draw_files(NightDesign(3, 10, prevalence), np.random.default_rng(seed))
        assert 2 <= labels.sum() <= len(labels) - 2


@pytest.mark.parametrize("split", ["validation", "test"])
def test_seeds_of_one_arm_err_together_on_a_night(split):
    nights = NightDesign(300, 10, 0.3)
    strengths = Strengths(arm_night=1.0, tail_df=30)
    study = simulate_study(StudyDesign(4, nights, nights), np.random.default_rng(2), strengths)
    difference = mean_logits(study, "tier 1", split) - mean_logits(study, "none", split)
    night = getattr(study, split)["none", 0].nights
    by_night = np.bincount(night, difference) / np.bincount(night)
    assert by_night.std() > 1, "the mean over seeds keeps the part that they share"


def test_without_an_effect_no_arm_is_better_on_average():
    large = StudyDesign(3, NightDesign(8, 30, 0.4), NightDesign(150, 20, 0.3))
    differences = []
    for number in range(30):
        study = simulate_study(large, np.random.default_rng(number))
        auroc = [measure_ranking(study.test[arm, 0].labels, study.test[arm, 0].confidences).auroc for arm in ARMS]
        differences.append(np.subtract(auroc[1:], auroc[0]))
    error = np.std(differences, axis=0) / np.sqrt(len(differences))
    assert np.all(np.abs(np.mean(differences, axis=0)) < 3.5 * error)


def test_an_effect_makes_the_ranking_better():
    design = StudyDesign(5, NightDesign(8, 30, 0.4), NightDesign(100, 20, 0.3), effects=(1.0, 0.0, 0.0))
    study = simulate_study(design, np.random.default_rng(1))
    auroc = {
        arm: np.mean([measure_ranking(run.labels, run.confidences).auroc for (a, _), run in study.test.items() if a == arm])
        for arm in ARMS
    }  # fmt: skip
    assert auroc["tier 1"] > max(auroc["none"], auroc["tier 2"], auroc["tier 3"]) + 0.02


def test_some_calls_are_faint():
    study = simulate_study(
        StudyDesign(2, NightDesign(8, 30, 0.4), NightDesign(400, 20, 0.5)),
        np.random.default_rng(1),
        Strengths(
            loudness=0, chorus=0, file=0.1, night=0, site=0, arm_night=0, run_night=0, arm_file=0.1, run_file=0.1
        ),
    )
    run = study.test["none", 0]
    logits = np.log(run.confidences / (1 - run.confidences))[run.labels == 1]
    counts, _ = np.histogram(logits, bins=12)
    middle = counts[3:9].min()
    assert middle < 0.5 * counts[:6].max() and middle < 0.5 * counts[6:].max(), "two groups of calls"


@pytest.mark.parametrize(("strengths", "smallest"), [(USUAL, 0.15), (SHARED, 0.4)])
def test_a_t_test_over_seeds_alone_finds_effects_that_are_not_there(strengths, smallest):
    # All seeds of an arm share its nights, and their thresholds come from the same four nights.
    design = StudyDesign(8, NightDesign(4, 30, 0.4), NightDesign(20, 20, 0.3))
    p = []
    for number in range(100):
        study = simulate_study(design, np.random.default_rng(number), strengths)
        recalls = {}
        for run, test in study.test.items():
            threshold = choose_threshold(study.validation[run].labels, study.validation[run].confidences)
            recalls[run] = measure_at_threshold(test.labels, test.confidences, threshold, 1).recall
        differences = np.array([recalls["tier 1", seed] - recalls["none", seed] for seed in range(8)])
        p.append(estimate_paired_mean(differences).p)
    assert np.mean(np.array(p) <= 0.05) > smallest
