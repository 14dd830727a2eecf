from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hardneg.report import answers
from hardneg.report.answers import Evidence


def delta(value="hard", baseline="none", split="test_ood", metric="average_precision", verdict="undecided", **cells):
    row = {
        "vary": "negative_tier", "value": value, "baseline": baseline, "positive_subset": "base", "negative_tier": None,
        "split": split, "metric": metric, "n": 3, "difference": 0.04, "ci_low": 0.01, "ci_high": 0.07, "verdict": verdict,
        "effect_of_interest": 0.03, "reason": "", "seeds_needed": 9.0, "limited_by": "seeds",
    }  # fmt: skip
    return row | cells


def interaction(axis="positive_subset", verdict="undecided", **cells):
    row = {
        "interaction": f"negative_tier x {axis}", "value": "hard", "level": "half", "reference": "base",
        "configuration": "", "split": "test_ood", "metric": "average_precision", "difference": -0.05, "ci_low": -0.09,
        "ci_high": -0.01, "verdict": verdict,
    }  # fmt: skip
    return row | cells


def make_evidence(deltas, interactions=(), **parts):
    columns = list(interaction())
    tier = pd.DataFrame({"file_path": ["a", "b"], "confidence": [0.9, 0.6], "recorder_id": "p1"})
    everything = {
        "confusers": None,
        "memorization": None,
        "tiers": {"hard": tier},
        "pool": None,
        "suspected": {},
        "jaccard": {},
        "baseline": "none",
    }
    return Evidence(pd.DataFrame(deltas), pd.DataFrame(list(interactions), columns=columns), **everything | parts)


def find(evidence, question):
    return [answer for answer in answers.answer_questions(evidence) if answer.question == question]


@pytest.mark.parametrize(
    ("verdict", "answer"),
    [
        ("improves", "supported"),
        ("hurts", "contradicted"),
        ("no effect larger than d", "contradicted"),
        ("undecided", "not distinguishable"),
        ("no verdict", "not distinguishable"),
    ],
)
def test_an_expected_gain_is_judged_by_its_verdict(verdict, answer):
    evidence = make_evidence([delta(verdict=verdict), delta(metric="precision_at_baseline_recall", verdict=verdict)])
    assert [found.answer for found in find(evidence, "new sites") + find(evidence, "precision")] == [answer] * 2


def test_a_recall_cost_is_supported_when_recall_is_hurt():
    hurt, gained = (make_evidence([delta(metric="recall", verdict=verdict)]) for verdict in ("hurts", "improves"))
    assert find(hurt, "recall")[0].answer == "supported" and find(gained, "recall")[0].answer == "contradicted"


def test_each_configuration_has_its_own_answer_with_its_figures():
    evidence = make_evidence([delta(verdict="improves"), delta(verdict="hurts", positive_subset="half")])
    base, half = find(evidence, "new sites")
    assert (base.configuration, base.answer, half.configuration, half.answer) == (
        "base", "supported", "half", "contradicted",
    )  # fmt: skip
    assert (
        "+4.0 points [+1.0, +7.0]" in base.evidence and base.statement == "The ranking improves at the sites held out."
    )


def test_the_sounds_that_a_tier_unlearned_are_named():
    confusers = pd.DataFrame(
        {
            "value": "hard", "positive_subset": "base", "cluster": ["0", "1", "all"], "difference": [-8.0, 0.1, -7.9],
            "change": ["fewer", "no clear change", "fewer"], "name": ["tree_frog", "rain", None],
        }
    )  # fmt: skip
    row = delta(split="test_pool", metric="fp_rate_at_baseline_recall", verdict="improves")
    (answer,) = find(make_evidence([row], confusers=confusers), "confusers")
    assert answer.answer == "supported" and "fewer: tree frog" in answer.evidence and "rain" not in answer.evidence


def test_a_dependence_is_supported_by_an_interaction_and_never_contradicted():
    for verdict, expected in (("depends", "supported"), ("undecided", "not distinguishable")):
        (answer,) = find(make_evidence([delta()], [interaction(verdict=verdict)]), "positives")
        assert answer.answer == expected and "half minus base (OOD)" in answer.evidence
    assert find(make_evidence([delta()]), "positives") == []


@pytest.mark.parametrize(
    ("iid", "ood", "contrast", "answer"),
    [
        ("improves", "undecided", "depends", "supported"),
        ("improves", "improves", "undecided", "contradicted"),
        ("improves", "undecided", "undecided", "not distinguishable"),
        ("undecided", "undecided", "depends", "not distinguishable"),
    ],
)
def test_a_gain_that_stays_in_distribution_needs_the_gain_and_a_smaller_one_at_new_sites(iid, ood, contrast, answer):
    deltas = [delta(split="test_iid", verdict=iid), delta(split="test_ood", verdict=ood)]
    by_split = interaction("split", contrast, configuration="positive_subset base", split="test_ood - test_iid")
    (found,) = find(make_evidence(deltas, [by_split]), "carry over")
    assert found.answer == answer


def test_the_hardest_tier_is_compared_with_the_next_one_where_that_is_configured():
    wide = pd.DataFrame({"file_path": ["a", "b", "c"], "confidence": [0.9, 0.6, 0.3], "recorder_id": "p1"})
    evidence = make_evidence([delta(), delta(value="wide")])
    evidence = replace(evidence, tiers={"wide": wide, "hard": wide.head(2)})
    (unmeasured,) = find(evidence, "hardest")
    assert unmeasured.answer == "not measured" and "baseline: wide" in unmeasured.evidence
    compared = replace(evidence, deltas=pd.DataFrame([delta(), delta(baseline="wide", verdict="hurts")]))
    (measured,) = find(compared, "hardest")
    assert (measured.tier, measured.answer) == ("hard", "supported")


def test_a_tier_with_the_same_bounds_as_the_hardest_is_not_the_next_one():
    unchecked = pd.DataFrame({"file_path": map(str, range(30)), "confidence": np.linspace(0.9, 1, 30)})
    unchecked = unchecked.assign(recorder_id="p1")
    easier = pd.concat([unchecked, unchecked.assign(confidence=0.6)])
    tiers = {"hard": unchecked[2:], "unchecked": unchecked, "easier": easier}
    evidence = replace(make_evidence([delta(), delta(value="unchecked")]), tiers=tiers)
    (unmeasured,) = find(evidence, "hardest")
    assert unmeasured.tier == "hard" and "baseline: easier" in unmeasured.evidence


@pytest.mark.parametrize(
    ("suspected", "of_the_pool", "answer"),
    [(18, 0.5, "supported"), (2, 0.5, "not distinguishable"), (0, 0.05, "supported")],
)
def test_a_hardest_tier_of_suspected_calls_or_of_one_recorder_may_be_an_artifact(suspected, of_the_pool, answer):
    tier = pd.DataFrame({"file_path": map(str, range(30)), "confidence": 0.9, "recorder_id": ["p1"] * 16 + ["p2"] * 14})
    pool = pd.DataFrame({"recorder_id": ["p1"] * round(200 * of_the_pool) + ["p2"] * (200 - round(200 * of_the_pool))})
    evidence = make_evidence([delta()], tiers={"hard": tier}, pool=pool, suspected={"hard": (suspected, 30)})
    (found,) = find(evidence, "artifact")
    assert found.answer == answer
    assert f"suspects {suspected} of 30 files" in found.evidence and "recorder p1 has 53 %" in found.evidence


def test_the_table_has_a_row_per_answer():
    table = answers.to_table(answers.answer_questions(make_evidence([delta(verdict="improves")])))
    assert list(table.columns) == ["question", "statement", "tier", "configuration", "answer", "evidence"]
    assert set(table.question) == {"new sites", "artifact"}
    assert answers.to_table([]).empty


@pytest.mark.parametrize(
    ("jaccard", "answer"), [(0.9, "contradicted"), (0.2, "supported"), (None, "not distinguishable")]
)
def test_only_models_that_agree_on_unsuspected_files_of_all_recorders_contradict_an_artifact(jaccard, answer):
    tier = pd.DataFrame({"file_path": map(str, range(80)), "confidence": 0.9, "recorder_id": ["p1", "p2"] * 40})
    pool = pd.DataFrame({"recorder_id": ["p1", "p2"] * 100})
    evidence = make_evidence(
        [delta()], tiers={"hard": tier}, pool=pool, suspected={"hard": (2, 80)}, jaccard={"hard": jaccard}
    )
    assert find(evidence, "artifact")[0].answer == answer


@pytest.mark.parametrize(
    ("ci_low", "ci_high", "answer"),
    [
        (0.1, 0.4, "supported"),
        (-0.05, 0.06, "contradicted"),
        (-0.1, 0.3, "not distinguishable"),
        (np.nan, np.nan, "not distinguishable"),
    ],
)
def test_recordings_are_memorized_if_equally_hard_ones_stay_false_alarms(ci_low, ci_high, answer):
    row = {
        "negative_tier": "hard", "positive_subset": "base", "files": 60, "nights": 6, "held_out_files": 14,
        "held_out_nights": 4, "n": 3, "flagged_share": 0.05, "held_out_flagged_share": 0.25, "difference": 0.2,
        "ci_low": ci_low, "ci_high": ci_high, "loss": 0.1, "held_out_loss": 0.9,
    }  # fmt: skip
    evidence = make_evidence([delta()], memorization=pd.DataFrame([row, row | {"negative_tier": "random"}]))
    (found,) = find(evidence, "memorized")
    assert (found.answer, found.tier) == (answer, "hard")
    assert "25 % of 14 held-out files (4 recorder-nights) and 5 % of 60 mined files (6) are flagged" in found.evidence


def test_an_answer_about_the_only_new_site_names_it():
    evidence = make_evidence([delta(), delta(metric="recall", split="test_iid")], site="“pond”")
    (found,) = find(evidence, "new sites")
    assert found.evidence.startswith("at “pond”: +4.0 points")
    evidence = make_evidence([delta(split="test_iid", metric="recall")], site="“pond”")
    (found,) = find(evidence, "recall")
    assert "pond" not in found.evidence
