import pandas as pd
import pytest

from hardneg.report import findings

TIERS = {
    "none": {}, "hard": {"top_k": 3}, "random": {"match_size_of": "hard"},
    "others": {"match_size_of": "hard", "disjoint": True, "redraw": False},
    "easier": {"match_size_of": "hard", "max_confidence": 0.5},
}  # fmt: skip
UNDECIDED = {
    "verdict": "undecided", "metric": "f1", "n": 3, "difference": 0.02, "ci_low": -0.01, "ci_high": 0.05,
    "effect_of_interest": 0.03, "reason": "", "seeds_needed": 9.0, "seeds_needed_low": 5.0, "seeds_needed_high": 40.0,
    "limited_by": "seeds",
}  # fmt: skip


def test_a_tier_may_have_several_controls_and_all_are_shown():
    controls = findings.find_controls(TIERS)
    assert controls == {"hard": ["random", "others"]}, "a tier with bounds is no control"
    differences = {
        ("random", "none"): 0.01, ("others", "none"): 0.02, ("hard", "random"): 0.03, ("hard", "others"): 0.04,
    }  # fmt: skip
    deltas = pd.DataFrame(
        [
            {"vary": "negative_tier", "value": value, "baseline": baseline, "positive_subset": "base", "split": "test_ood", "difference": difference}
            for (value, baseline), difference in differences.items()
        ]
    ).assign(
        metric="f1", n=3, mean=0.5, std=0.1, p_adjusted=0.2, ci_low=-0.1, ci_high=0.1,
        verdict="undecided", reason="", limited_by="seeds", seeds_needed=9.0, seeds_needed_low=5.0, seeds_needed_high=20.0, effect_of_interest=0.03,
    )  # fmt: skip
    rows = findings.separate_hardness_from_size(deltas, controls, "none")
    assert [(row.control, row.size_effect.difference, row.hardness_effect.difference) for row in rows] == [
        ("random", "+1.0", "+3.0"),
        ("others", "+2.0", "+4.0"),
    ]


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({}, "needs 9 seeds (5 to 40)"),
        ({"seeds_needed_high": float("inf")}, "needs 9 seeds (5 or more)"),
        ({"seeds_needed": 2.0}, ""),
        ({"limited_by": "test nights"}, "needs more test nights"),
        ({"limited_by": "validation nights"}, "needs more validation nights"),
        ({"ci_low": 0.01}, "not after adjustment, needs 9 seeds (5 to 40)"),
        ({"ci_high": -0.001, "limited_by": "test nights"}, "not after adjustment, needs more test nights"),
    ],
)
def test_an_undecided_difference_names_what_limits_it(columns, reason):
    assert findings.describe_difference(pd.Series(UNDECIDED | columns)).reason == reason


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"reason": "fewer than 3 test nights count"}, "fewer than 3 test nights count"),
        ({"reason": float("nan")}, findings.NO_SPREAD),
        ({"reason": "", "n": 1}, "one seed"),
    ],
)
def test_a_difference_without_a_verdict_has_its_reason_in_words(columns, reason):
    missing = {"verdict": "no verdict", "ci_low": float("nan"), "ci_high": float("nan"), "limited_by": float("nan")}
    finding = findings.describe_difference(pd.Series(UNDECIDED | missing | columns))
    assert (finding.verdict, finding.reason, finding.interval) == ("no verdict", reason, "")


def test_false_positives_are_shown_per_hour_and_not_in_points():
    row = pd.Series(UNDECIDED | {"metric": "false_positives_per_hour", "difference": -2.5, "ci_low": -5.0})
    finding = findings.describe_difference(row)
    assert (finding.difference, finding.interval) == ("\N{MINUS SIGN}2.5", "[\N{MINUS SIGN}5.0, +0.1]")
