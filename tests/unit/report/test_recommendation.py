import pandas as pd
import pytest

from hardneg.models.metrics import TEST_SPLIT_METRICS
from hardneg.report import recommendation, tier_choices

ALARMS, BALANCE, MISSED = tier_choices.GOALS


def study(verdicts, losses=(), subsets=("base",), differences=None, **columns):
    """Deltas, runs and nights of a study; `verdicts` by tier and metric, `losses` of recall on validation by tier."""
    tiers = {tier for tier, _ in verdicts}
    deltas = pd.DataFrame(
        [
            {
                "vary": "negative_tier", "value": tier, "baseline": "none", "positive_subset": subset, "split": split,
                "metric": metric, "n": 3, "difference": (differences or {}).get((tier, metric), 0.1),
                "ci_low": 0.02, "ci_high": 0.18, "standard_error": 0.02, "degrees_of_freedom": 10.0, "effect_of_interest": 0.03,
                "verdict": verdicts.get((tier, metric), "undecided") if split == "test_ood" else "improves", "reason": "",
            }
            for subset in subsets for tier in sorted(tiers) for split in ("test_iid", "test_ood") for metric in TEST_SPLIT_METRICS
        ]
    ).assign(**columns)  # fmt: skip
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
    return deltas, runs, nights, "none", 0.05, {"hard": ["random"]}


def tiers_by_metric(recommended):
    return {choice.metric: choice.tier for choice in recommended.choices}


def text_of(recommended):
    return " ".join(" ".join([statement.headline, *statement.details]) for statement in recommended.statements)


def test_the_tier_that_improves_a_goal_most_is_recommended_with_its_trade_and_its_review_effort():
    verdicts = {("hard", ALARMS): "improves", ("harder", ALARMS): "improves"}
    differences = {("harder", ALARMS): 0.2, ("harder", "recall"): -0.01}
    recommended = recommendation.recommend(*study(verdicts, differences=differences))
    assert tiers_by_metric(recommended) == {ALARMS: "harder", BALANCE: None, MISSED: None}
    assert recommended.choices[0].flagged == 5 and recommended.choices[1].flagged == 20
    text = text_of(recommended)
    assert "For few false alarms, train on “harder”: precision at the baseline's recall +20.0 points" in text
    assert (
        "The trade at the frozen threshold: precision +10.0 points (undecided), recall \N{MINUS SIGN}1.0 points (undecided)"
        in text
    )
    assert "expect 5.0 flagged files and 4 minutes of review" in text
    assert "No tier is judged better than “none” for a balance of both or few missed calls." in text
    assert "4 of the 6 differences behind the answer are undecided" in " ".join(recommended.caveats)


def test_a_higher_precision_at_the_frozen_threshold_alone_does_not_make_few_false_alarms():
    verdicts = {("hard", "precision"): "improves", ("hard", "recall"): "no effect larger than d"}
    assert tiers_by_metric(recommendation.recommend(*study(verdicts)))[ALARMS] is None


def test_a_higher_recall_at_the_frozen_threshold_alone_does_not_make_few_missed_calls():
    assert tiers_by_metric(recommendation.recommend(*study({("hard", "recall"): "improves"})))[MISSED] is None


@pytest.mark.parametrize(
    ("goal", "companion"),
    [(goal, metric) for goal in tier_choices.GOALS for metric in TEST_SPLIT_METRICS if metric != goal],
)
def test_a_tier_with_a_companion_metric_that_hurts_is_refused_and_the_sentence_names_it(goal, companion):
    verdicts = {("hard", goal): "improves", ("hard", companion): "hurts", ("soft", goal): "undecided"}
    recommended = recommendation.recommend(*study(verdicts, differences={("hard", companion): -0.07}))
    assert tiers_by_metric(recommended)[goal] is None
    name = recommendation.name_in_text(companion)
    size = "0.1" if companion == "false_positives_per_hour" else "7.0 points"
    assert f"“hard” is not recommended. It improves {recommendation.name_in_text(goal)} by 10.0 points" in text_of(
        recommended
    )
    assert f"but it hurts {name} by {size} [" in text_of(recommended)


def test_the_next_best_tier_is_recommended_where_the_best_one_hurts_a_companion_metric():
    verdicts = {("hard", BALANCE): "improves", ("hard", "recall"): "hurts", ("soft", BALANCE): "improves"}
    recommended = recommendation.recommend(*study(verdicts, differences={("hard", BALANCE): 0.3}))
    assert tiers_by_metric(recommended)[BALANCE] == "soft"
    assert "“hard” is not recommended" in text_of(recommended)


def test_a_companion_that_hurts_on_the_other_split_does_not_decide():
    deltas, *rest = study({("hard", BALANCE): "improves"})
    deltas.loc[(deltas.split == "test_iid") & (deltas.metric == "recall"), "verdict"] = "hurts"
    assert tiers_by_metric(recommendation.recommend(deltas, *rest))[BALANCE] == "hard"


def test_the_interval_of_the_best_of_several_tiers_is_corrected_for_the_selection():
    verdicts = {("hard", BALANCE): "improves", ("soft", BALANCE): "undecided", ("odd", BALANCE): "undecided"}
    recommended = recommendation.recommend(*study(verdicts))
    selected = recommended.choices[1].chosen.selected
    # Three tiers and three goals are nine differences.
    assert selected.level == pytest.approx(1 - 2 * 0.05 / 9)
    # Student's quantile at 1 - 0.05 / 9 with 10 degrees of freedom is 3.103; without correction it would be 2.228.
    assert (selected.low, selected.high) == pytest.approx((0.1 - 3.103 * 0.02, 0.1 + 3.103 * 0.02), abs=1e-4)
    text = text_of(recommended)
    assert "F1 +10.0 points [+3.8, +16.2] compared with" in text
    assert "the best of 3 tiers" in text and "The interval is corrected" in text and "(98.89 % by itself)" in text


def test_configurations_and_goals_count_in_the_correction_and_missing_verdicts_do_not():
    verdicts = {("hard", BALANCE): "improves", ("soft", MISSED): "no verdict"}
    recommended = recommendation.recommend(*study(verdicts, subsets=("base", "half")))
    assert recommended.choices[1].chosen.selected.level == pytest.approx(1 - 2 * 0.05 / 10)


def test_the_interval_of_one_tier_covers_at_least_as_much_as_planned_where_only_one_goal_was_measured():
    deltas, *rest = study({("hard", BALANCE): "improves"})
    recommended = recommendation.recommend(deltas[deltas.metric == BALANCE], *rest)
    assert recommended.choices[1].chosen.selected.level == pytest.approx(0.95)
    assert "the best of" not in text_of(recommended)


def test_a_table_without_standard_errors_says_that_nothing_is_corrected():
    verdicts = {("hard", BALANCE): "improves", ("soft", BALANCE): "undecided"}
    deltas, *rest = study(verdicts)
    recommended = recommendation.recommend(deltas.drop(columns=["standard_error", "degrees_of_freedom"]), *rest)
    assert "F1 +10.0 points [+2.0, +18.0]" in text_of(recommended)
    assert "Neither the difference nor its interval is corrected" in text_of(recommended)


def test_an_improvement_that_the_correction_makes_uncertain_is_not_recommended():
    verdicts = {("hard", BALANCE): "improves", **{(f"tier{number}", BALANCE): "undecided" for number in range(19)}}
    recommended = recommendation.recommend(*study(verdicts, standard_error=0.035))
    assert tiers_by_metric(recommended)[BALANCE] is None
    assert "its interval includes zero after correction for the 60 differences behind this answer" in text_of(
        recommended
    )


def test_no_tier_is_recommended_where_none_is_distinguishable_and_the_text_states_it():
    recommended = recommendation.recommend(*study({("hard", "f1"): "no effect larger than d"}))
    assert set(tiers_by_metric(recommended).values()) == {None}
    assert recommended.statements[0].headline.startswith("No tier is judged better than “none” for any goal.")


def test_without_any_verdict_nothing_is_recommended_and_the_reason_is_given():
    deltas, *rest = study({("hard", BALANCE): "improves"})
    missed = deltas.metric == MISSED
    deltas.loc[missed, "verdict"], deltas.loc[missed, "reason"] = "no verdict", "fewer than 3 test nights count"
    text = text_of(recommendation.recommend(deltas, *rest))
    expected = "For few missed calls, nothing can be recommended: there is no verdict (fewer than 3 test nights count)."
    assert expected in text
    assert "No tier is judged better than “none” for few false alarms." in text


def test_a_tier_without_a_verdict_beside_others_is_a_caveat_with_its_reason():
    verdicts = {("hard", BALANCE): "no verdict", ("soft", BALANCE): "improves"}
    recommended = recommendation.recommend(*study(verdicts, reason="undefined in at least one run"))
    assert tiers_by_metric(recommended)[BALANCE] == "soft"
    expected = "For a balance of both, these tiers have no verdict: hard (undefined in at least one run)."
    assert expected in recommended.caveats


def test_a_metric_that_was_not_measured_decides_nothing():
    deltas, *rest = study({("hard", BALANCE): "improves"})
    recommended = recommendation.recommend(deltas[deltas.metric != ALARMS], *rest)
    assert tiers_by_metric(recommended)[ALARMS] is None
    assert "For few false alarms, nothing can be recommended: the metric was not measured." in text_of(recommended)


def test_a_tier_that_costs_recall_on_validation_is_never_recommended():
    verdicts = {("hard", "f1"): "improves", ("soft", "f1"): "improves"}
    differences = {("hard", "f1"): 0.3}
    recommended = recommendation.recommend(*study(verdicts, [("hard", 0.04)], differences=differences))
    assert tiers_by_metric(recommended)["f1"] == "hard"
    recommended = recommendation.recommend(*study(verdicts, [("hard", 0.06)], differences=differences))
    assert tiers_by_metric(recommended)["f1"] == "soft"
    assert "“hard” is not recommended" in text_of(recommended)
    assert "but it loses 6.0 points of recall on validation." in text_of(recommended)


def test_each_configuration_has_its_own_recommendation():
    recommended = recommendation.recommend(*study({("hard", "f1"): "improves"}, subsets=("base", "half")))
    configurations = [choice.configuration for choice in recommended.choices]
    assert configurations == ["positive subset base"] * 3 + ["positive subset half"] * 3


def test_all_controls_of_a_recommended_tier_are_shown_beside_it():
    verdicts = {("hard", "f1"): "improves", ("random", "f1"): "undecided", ("other", "f1"): "undecided"}
    deltas, *rest, _ = study(verdicts, differences={("random", "f1"): 0.09})
    against = deltas[deltas.value == "hard"].assign(baseline="random", difference=0.01, verdict="undecided")
    against["difference"] += 0.5 * (against.split == "test_iid")
    controls = {"hard": ["random", "other"]}
    recommended = recommendation.recommend(pd.concat([deltas, against]), *rest, controls)
    first, second = recommended.choices[1].chosen.controls
    assert (first.name, first.effect["difference"], first.hardness["difference"]) == ("random", 0.09, 0.01)
    assert (second.name, second.hardness) == ("other", None)
    text = text_of(recommended)
    assert "The control of equal size, “random”: +9.0 points [+2.0, +18.0] (undecided) compared with “none”." in text
    assert "“hard” compared with “random”: +1.0 points" in text
    assert "The tier is not shown to be better than this control." in text and "“other”: +10.0 points" in text


@pytest.mark.parametrize(("tier", "sentence"), [("soft", "no control of equal size"), ("random", "itself a control")])
def test_a_recommended_tier_without_a_control_says_so(tier, sentence):
    assert sentence in text_of(recommendation.recommend(*study({(tier, "f1"): "improves"})))


def test_without_a_comparison_with_none_nothing_is_recommended():
    deltas, *rest = study({("hard", "f1"): "improves"})
    assert recommendation.recommend(deltas.assign(vary="dropout"), *rest) is None


def test_missing_metrics_on_test_and_validation_do_not_stop_the_recommendation():
    deltas, runs, *rest = study({("hard", "f1"): "improves"})
    missing = deltas.metric == "precision"
    deltas.loc[missing, ["difference", "ci_low", "ci_high", "standard_error"]] = float("nan")
    deltas.loc[missing, "verdict"] = "no verdict"
    recommended = recommendation.recommend(deltas, runs.assign(recall=float("nan")), *rest)
    assert tiers_by_metric(recommended)["f1"] == "hard"
    assert "precision \N{EN DASH} (no verdict)" in text_of(recommended) and "nan" not in text_of(recommended)


@pytest.mark.parametrize("axes", [[], ["positive_subset"]])
def test_losses_are_paired_by_seed(axes):
    runs = pd.DataFrame(
        {
            "positive_subset": "base", "negative_tier": ["none", "hard"] * 2, "seed": [1, 1, 2, 2], "split": "val",
            "recall": [0.9, 0.8, 0.7, 0.7],
        }
    )  # fmt: skip
    key = ("base", "hard") if axes else "hard"
    assert tier_choices.measure_recall_losses(runs, axes, "none").loc[key] == pytest.approx(0.05)


@pytest.mark.parametrize("verdict", ["improves", "undecided", "no verdict"])
def test_every_statement_names_the_only_site_that_decides(verdict):
    arguments = study({("hard", ALARMS): verdict}, reason="few nights")
    named = recommendation.recommend(*arguments, site="“pond”")
    plain = recommendation.recommend(*arguments)
    assert len(named.statements) == len(plain.statements)
    for with_site, without in zip(named.statements, plain.statements, strict=True):
        assert with_site.headline.startswith("At “pond”, ")
        assert with_site.headline.removeprefix("At “pond”, ").lower() == without.headline.lower()


def test_the_site_held_out_is_not_named_where_the_training_sites_decide():
    deltas, *rest = study({("hard", ALARMS): "undecided"})
    recommended = recommendation.recommend(deltas[deltas.split == "test_iid"], *rest, site="“pond”")
    assert "pond" not in text_of(recommended)
