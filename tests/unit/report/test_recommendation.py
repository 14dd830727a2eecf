import pandas as pd
import pytest

from hardneg.report import recommendation


def study(verdicts, losses=(), subsets=("base",), differences=None):
    """Deltas, runs and nights of a study; `verdicts` by tier and metric, `losses` of recall on validation by tier."""
    tiers = {tier for tier, _ in verdicts}
    deltas = pd.DataFrame(
        [
            {
                "vary": "negative_tier", "value": tier, "baseline": "none", "positive_subset": subset, "split": split,
                "metric": metric, "difference": (differences or {}).get((tier, metric), 0.1), "ci_low": 0.02, "ci_high": 0.18, "effect_of_interest": 0.03,
                "verdict": verdicts.get((tier, metric), "undecided") if split == "test_ood" else "improves",
            }
            for subset in subsets for tier in sorted(tiers) for split in ("test_iid", "test_ood") for metric in recommendation.GOALS
        ]
    )  # fmt: skip
    axes = [(subset, tier) for subset in subsets for tier in [*sorted(tiers), "none"]]
    runs = pd.DataFrame(
        [
            {"positive_subset": subset, "negative_tier": tier, "seed": seed, "split": "val", "recall": 0.9 - dict(losses).get(tier, 0)}
            for subset, tier in axes for seed in (1, 2)
        ]
    )  # fmt: skip
    nights = pd.DataFrame(
        [
            {"positive_subset": subset, "negative_tier": tier, "split": "test_ood", "calling_files": files,
             "flagged_files": 20 if tier == "none" else 5, "review_minutes": 4.0}
            for subset, tier in axes for files in (0, 3)
        ]
    )  # fmt: skip
    return deltas, runs, nights, "none", 0.05, {"hard": "random"}


def tiers_by_metric(recommended):
    return {choice.metric: choice.tier for choice in recommended.choices}


def test_the_tier_that_improves_a_goal_most_is_recommended_with_its_trade_and_its_review_effort():
    verdicts = {("hard", "precision"): "improves", ("harder", "precision"): "improves", ("hard", "recall"): "hurts"}
    recommended = recommendation.recommend(*study(verdicts, differences={("harder", "precision"): 0.2}))
    assert tiers_by_metric(recommended) == {"precision": "harder", "f1": None, "recall": None}
    assert recommended.choices[0].flagged == 5 and recommended.choices[1].flagged == 20
    text = " ".join(recommended.sentences)
    assert "For few false alarms, train on “harder”: precision +20.0 points [+2.0, +18.0] compared with “none”." in text
    assert "The trade: recall +10.0 points [+2.0, +18.0] (undecided)." in text
    assert "expect 5.0 flagged files and 4 minutes of review" in text
    assert "No tier is judged better than “none” for a balance of both (F1) or few missed calls." in text
    assert "3 of the differences behind the recommendation are undecided" in " ".join(recommended.caveats)


def test_no_tier_is_recommended_where_none_is_distinguishable_and_the_text_states_it():
    recommended = recommendation.recommend(*study({("hard", "f1"): "no effect larger than d"}))
    assert tiers_by_metric(recommended) == {"precision": None, "f1": None, "recall": None}
    assert "No tier is judged better than “none”" in recommended.sentences[0]


def test_a_tier_that_costs_recall_on_validation_is_never_recommended():
    verdicts = {("hard", "f1"): "improves", ("soft", "f1"): "improves"}
    differences = {("hard", "f1"): 0.3}
    recommended = recommendation.recommend(*study(verdicts, [("hard", 0.04)], differences=differences))
    assert tiers_by_metric(recommended)["f1"] == "hard"
    recommended = recommendation.recommend(*study(verdicts, [("hard", 0.06)], differences=differences))
    assert tiers_by_metric(recommended)["f1"] == "soft"
    assert "cost more than 5.0 points of recall on validation: hard." in " ".join(recommended.caveats)


def test_each_configuration_has_its_own_recommendation():
    recommended = recommendation.recommend(*study({("hard", "f1"): "improves"}, subsets=("base", "half")))
    configurations = [choice.configuration for choice in recommended.choices]
    assert configurations == ["positive subset base"] * 3 + ["positive subset half"] * 3


def test_a_recommended_tier_is_compared_with_its_control_where_it_has_one():
    verdicts = {("hard", "f1"): "improves", ("harder", "recall"): "improves"}
    deltas, *rest = study(verdicts)
    against = deltas[deltas.value == "hard"].assign(baseline="random", difference=0.01)
    against["difference"] += 0.5 * (against.split == "test_iid")
    recommended = recommendation.recommend(pd.concat([deltas, against, against.assign(baseline="other")]), *rest)
    control = {choice.metric: choice.control for choice in recommended.choices}
    assert control["f1"]["difference"] == 0.01 and control["f1"]["baseline"] == "random"
    assert control["recall"] is None and control["precision"] is None


def test_without_a_comparison_with_none_nothing_is_recommended():
    deltas, *rest = study({("hard", "f1"): "improves"})
    assert recommendation.recommend(deltas.assign(vary="dropout"), *rest) is None


@pytest.mark.parametrize("axes", [[], ["positive_subset"]])
def test_losses_are_paired_by_seed(axes):
    runs = pd.DataFrame(
        {
            "positive_subset": "base", "negative_tier": ["none", "hard"] * 2, "seed": [1, 1, 2, 2], "split": "val",
            "recall": [0.9, 0.8, 0.7, 0.7],
        }
    )  # fmt: skip
    key = ("base", "hard") if axes else "hard"
    assert recommendation.measure_recall_losses(runs, axes, "none").loc[key] == pytest.approx(0.05)
