from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hardneg.experiments import matrix
from hardneg.models.metrics import COMPARED_METRICS
from hardneg.recordings.manifest import TEST_SPLITS
from hardneg.statistics import interactions
from hardneg.statistics.comparison import StatisticsSettings
from hardneg.statistics.difference_estimates import bootstrap_difference
from hardneg.statistics.run_pairs import Comparison
from hardneg.statistics.scored_files import ScoredFiles

AXES = ["positive_subset", "negative_tier", "validation"]
TIER = Comparison("negative_tier", "none")
SETTINGS = StatisticsSettings(0.05, "holm", 0.8, 200, dict.fromkeys(COMPARED_METRICS, 0.03))


def design(subsets=("a", "b"), splits=TEST_SPLITS):
    runs = matrix.expand({
        "positive_subset": list(subsets), "negative_tier": ["none", "hard"], "validation": ["holdout"], "seed": [1, 2, 3, 4],
    })  # fmt: skip
    return pd.concat([runs.assign(split=split) for split in splits], ignore_index=True)


def make_loader(gain):
    """Make scores whose classes the tier separates by `gain(subset, split)` logits more than the baseline does."""

    def load(run, split):
        tier = run["negative_tier"] == "hard"
        rng = np.random.default_rng([int(run["seed"]), ord(run["positive_subset"]), tier, TEST_SPLITS.index(split)])
        labels, night = (np.arange(300) % 3 == 0).astype(int), np.arange(300) % 15
        separation = 1.5 + tier * gain(run["positive_subset"], split)

        def draw(name):
            scores = 1 / (1 + np.exp(-(rng.standard_normal(300) + separation * (labels - 0.5))))
            return ScoredFiles(labels, scores, night, np.ones(300), 0.5, night_set=name)

        return replace(draw(split), validation=draw("validation"))

    return load


def test_an_effect_that_depends_on_the_positives_is_called_so_and_one_that_does_not_is_not():
    table = interactions.estimate_interactions(
        design(splits=["test_ood"]), TIER, AXES, SETTINGS, make_loader(lambda subset, _: 2.0 * (subset == "b"))
    )
    assert set(table.interaction) == {"negative_tier x positive_subset"}
    row = table[table.metric == "auroc"].iloc[0]
    assert (row.level, row.reference, row.verdict) == ("b", "a", "depends")
    assert row.difference == pytest.approx(row.effect - row.effect_reference) and row.difference > 0.1
    same = interactions.estimate_interactions(
        design(splits=["test_ood"]), TIER, AXES, SETTINGS, make_loader(lambda *_: 1.0)
    )
    assert same[same.metric == "auroc"].verdict.iloc[0] == "undecided"


def test_a_gain_in_distribution_that_does_not_carry_over_is_an_interaction_with_the_split():
    loader = make_loader(lambda _, split: 2.0 * (split == "test_iid"))
    table = interactions.estimate_interactions(design(subsets=["a"]), TIER, AXES, SETTINGS, loader)
    assert set(table.interaction) == {"negative_tier x split"} and set(table.split) == {"test_ood - test_iid"}
    row = table[table.metric == "auroc"].iloc[0]
    assert row.effect_reference > 0.1 and row.difference < -0.1 and row.verdict == "depends"


def test_an_effect_of_an_interaction_is_that_of_the_comparison():
    loader = make_loader(lambda *_: 1.0)
    table = interactions.estimate_interactions(design(), TIER, AXES, SETTINGS, loader)
    row = table[(table.interaction == "negative_tier x split") & (table.metric == "f1") & (table.configuration == "positive_subset a, validation holdout")].iloc[0]  # fmt: skip
    arms = [[loader({"positive_subset": "a", "negative_tier": tier, "seed": seed}, "test_ood") for seed in "1234"]
            for tier in ("hard", "none")]  # fmt: skip
    assert row.effect == pytest.approx(bootstrap_difference(*arms, resamples=10)["f1"].estimate.difference)


def test_p_is_adjusted_within_one_pair_of_axes_and_one_metric():
    table = interactions.estimate_interactions(design(), TIER, AXES, SETTINGS, make_loader(lambda *_: 0.0))
    family = table[(table.interaction == "negative_tier x split") & (table.metric == "f1")]
    assert len(family) == 2 and family.p_adjusted.max() == pytest.approx(max(2 * family.p.min(), family.p.max()))


def test_without_a_second_axis_or_split_there_is_nothing_to_test():
    assert interactions.estimate_interactions(
        design(subsets=["a"], splits=["test_ood"]), TIER, AXES, SETTINGS, make_loader(lambda *_: 0.0)
    ).empty


def test_seeds_that_one_effect_lacks_are_left_out_of_both():
    runs = design(splits=["test_ood"])
    incomplete = runs[~((runs.positive_subset == "b") & (runs.seed == "4"))]
    table = interactions.estimate_interactions(incomplete, TIER, AXES, SETTINGS, make_loader(lambda *_: 0.0))
    assert set(table.n) == {3}
