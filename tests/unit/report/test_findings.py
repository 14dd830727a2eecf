import pandas as pd

from hardneg.report import findings

TIERS = {
    "none": {}, "hard": {"top_k": 3}, "random": {"match_size_of": "hard"},
    "others": {"match_size_of": "hard", "disjoint": True, "redraw": False},
    "easier": {"match_size_of": "hard", "max_confidence": 0.5},
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
