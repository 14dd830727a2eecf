import pandas as pd
import pytest

from hardneg.common.errors import InputError
from hardneg.experiments.arm_checks import check_arms

AXES = ["positive_subset", "negative_tier", "validation"]


@pytest.fixture
def runs():
    """Three tiers by two seeds, each on two splits."""
    rows = [
        {
            "positive_subset": "base", "negative_tier": tier, "validation": "holdout", "seed": seed, "split": split,
            "tier_files": files, "tier_files_used": files, "labelled_hash": f"w{seed}", "training_hash": f"w{tier}{seed}",
            "warning": float("nan"), "diagnosis": float("nan"),
        }
        for tier, files in (("none", 0), ("hard", 100), ("random", 100))
        for seed in (1, 2)
        for split in ("test_iid", "test_ood")
    ]  # fmt: skip
    return pd.DataFrame(rows).astype({"warning": object, "diagnosis": object})


def check(runs, vary="negative_tier", baseline="none"):
    return check_arms(runs, [(vary, baseline)], AXES)


def test_arms_that_differ_only_in_their_tier_are_compared_without_a_warning(runs):
    warnings = check(runs)
    assert warnings.empty and list(warnings.columns) == ["arm", "warning"]


def test_arms_with_other_labelled_windows_are_refused_and_the_rows_named(runs):
    runs.loc[(runs.negative_tier == "hard") & (runs.seed == 2), "labelled_hash"] = "wx"
    with pytest.raises(InputError, match=r"(?s)not trained on the same labeled windows.*hard +holdout +2 +wx +w2\n"):
        check(runs)
    assert check_arms(runs, [("positive_subset", "base")], AXES).empty


def test_arms_whose_classes_were_cut_are_compared_with_a_warning(runs):
    runs.loc[runs.negative_tier == "hard", ["labelled_hash", "warning"]] = ["wx", "training.balance: cut removed 3"]
    warnings = check(runs)
    assert list(warnings.arm) == ["hard"]
    assert "training.balance: cut removed other labeled windows than in none" in warnings.warning[0]


def test_a_training_that_failed_is_a_warning_of_its_arm(runs):
    runs.loc[(runs.negative_tier == "hard") & (runs.seed == 2), "diagnosis"] = "is nearly constant"
    warnings = check(runs)
    assert list(warnings.arm) == ["hard"]
    assert warnings.warning[0] == "the detector of seed 2 is nearly constant. Its differences mean little."


def test_several_failed_trainings_of_an_arm_are_one_warning(runs):
    runs.loc[runs.negative_tier == "hard", "diagnosis"] = "is nearly constant"
    warnings = check(runs)
    seeds = runs[runs.negative_tier == "hard"].seed
    assert list(warnings.arm) == ["hard"]
    assert warnings.warning[0].startswith(
        f"{seeds.nunique()} of {seeds.nunique()} trainings failed; for example, the detector of seed {seeds.iloc[0]} is"
    )


def test_an_arm_that_used_too_little_of_its_tier_gets_a_warning(runs):
    runs.loc[runs.negative_tier == "hard", "tier_files_used"] = 79
    warnings = check(runs)
    assert list(warnings.arm) == ["hard"] and warnings.warning[0].startswith("used 79% of the files of its tier")
    assert "Train for more epochs" in warnings.warning[0]
    runs.loc[runs.negative_tier == "hard", "tier_files_used"] = 80
    assert check(runs).empty


def test_an_arm_that_equals_its_baseline_gets_a_warning(runs):
    runs.loc[(runs.negative_tier == "random") & (runs.seed == 1), "training_hash"] = "wnone1"
    warnings = check(runs)
    assert list(warnings.arm) == ["random"]
    assert "trained on the same windows as negative tier none (seeds 1)" in warnings.warning[0]


def test_a_warning_names_the_axes_that_vary(runs):
    both = pd.concat([runs, runs.assign(positive_subset="half")])
    both.loc[(both.negative_tier == "hard") & (both.positive_subset == "half"), "tier_files_used"] = 10
    assert list(check(both.reset_index()).arm) == ["half, hard"]
