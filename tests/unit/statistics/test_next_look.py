import pandas as pd
import pytest

from hardneg.statistics.next_look import format_next_look, plan_next_look

LOOKS = [2, 4, 6]


def runs_of(seeds=("1", "2"), tiers=("none", "hard", "easy", "random")):
    return [
        {"positive_subset": "base", "negative_tier": tier, "validation": "holdout", "seed": seed}
        for tier in tiers
        for seed in seeds
    ]


def delta(value, verdict="undecided", limited_by="seeds", baseline="none", split="test_ood", metric="f1"):
    return {
        "vary": "negative_tier", "value": value, "baseline": baseline, "positive_subset": "base",
        "negative_tier": None, "validation": "holdout", "split": split, "metric": metric, "verdict": verdict,
        "limited_by": limited_by if verdict == "undecided" else "",
    }  # fmt: skip


def plan(*deltas, look=0, runs=None):
    return plan_next_look(pd.DataFrame(deltas), ["f1"], LOOKS, look, runs or runs_of())


def added(plan):
    return {(run["negative_tier"], run["seed"]) for run in plan.runs}


def test_only_arms_that_are_open_because_of_seeds_get_more_and_so_do_their_baselines():
    found = plan(delta("hard"), delta("easy", limited_by="test nights"), delta("random", verdict="improves"))
    assert added(found) == {("hard", "3"), ("hard", "4"), ("none", "3"), ("none", "4")}
    assert (found.decided, found.open_with_seeds) == (1, 1)
    assert found.open_with_nights == ["easy against none, f1: needs more test nights"]


def test_an_arm_that_is_open_again_gets_the_seeds_that_its_baseline_has_already():
    runs = [*runs_of(), *runs_of(("3", "4"), ("none", "hard"))]
    found = plan(delta("hard"), delta("easy", verdict="hurts"), look=1, runs=runs)
    assert added(found) == {("hard", "5"), ("hard", "6"), ("none", "5"), ("none", "6")}
    late = plan(delta("easy", baseline="hard"), look=1, runs=runs)
    assert added(late) == {(tier, seed) for tier in ("easy", "hard") for seed in "3456"} - {
        ("hard", "3"),
        ("hard", "4"),
    }


def test_nothing_is_added_after_the_last_look_or_when_nothing_is_open():
    assert plan(delta("hard"), look=2).runs == []
    assert plan(delta("hard", verdict="no effect larger than d")).runs == []


def test_the_test_out_of_distribution_decides_where_there_is_one():
    assert plan(delta("hard", split="test_iid"), delta("easy", verdict="hurts")).runs == []
    assert added(plan(delta("hard", split="test_iid"))) != set()


def test_other_metrics_are_not_waited_for():
    assert plan(delta("hard", metric="calibration_error"), delta("easy", verdict="hurts")).runs == []


@pytest.mark.parametrize(
    ("deltas", "text"),
    [
        (
            [delta("hard"), delta("easy", limited_by="test nights"), delta("random", verdict="hurts")],
            "1 of 3 differences are decided with 2 seeds; 1 would need more nights; 1 gets 2 more seeds: 4 trainings, "
            "about 2 minutes on one core.",
        ),
        ([delta("hard", verdict="hurts")], "1 of 1 differences are decided with 2 seeds."),
    ],
)
def test_the_plan_states_what_is_open_and_what_it_costs(deltas, text):
    assert format_next_look(plan(*deltas), seconds_per_run=30.0) == text
