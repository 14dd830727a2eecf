import pandas as pd
import pytest

from hardneg.report import effect_dependence

INTERACTION = {
    "interaction": "negative_tier x split", "vary": "negative_tier", "value": "hard", "baseline": "none", "level": "test_ood",
    "reference": "test_iid", "configuration": "positive_subset base, validation holdout", "split": "test_ood - test_iid",
    "metric": "f1", "n": 3, "effect": 0.01, "effect_reference": 0.05, "difference": -0.04, "ci_low": -0.06, "ci_high": -0.02,
    "p": 0.01, "p_adjusted": 0.02, "verdict": "depends", "reason": float("nan"),
}  # fmt: skip


def test_an_effect_that_does_not_carry_over_is_stated_in_plain_words():
    rows = [INTERACTION, INTERACTION | {"metric": "average_precision", "verdict": "undecided"}]
    (table,) = effect_dependence.describe_dependence(pd.DataFrame(rows))
    assert table.title == "Does a gain in distribution carry over?"
    assert table.sentences == [
        "The effect of hard differs in F1: it is +5.0 points in distribution and +1.0 points out of distribution. "
        "The difference is \N{MINUS SIGN}4.0 points [\N{MINUS SIGN}6.0, \N{MINUS SIGN}2.0].",
        "Of 2 effects, 1 is undecided.",
    ]


def test_without_an_interaction_the_report_states_that_none_is_shown():
    row = INTERACTION | {
        "interaction": "negative_tier x positive_subset", "level": "half", "reference": "base", "split": "test_ood",
        "configuration": "validation holdout", "verdict": "undecided",
    }  # fmt: skip
    tables = effect_dependence.describe_dependence(pd.DataFrame([row, row | {"level": "small"}]))
    assert [table.level for table in tables] == ["positive subset half", "positive subset small"]
    assert tables[0].title == "Does the effect depend on the positives?"
    assert (
        tables[0]
        .sentences[0]
        .startswith("No effect is shown to differ between positive subset base and positive subset half.")
    )
    assert tables[0].rows[0].configuration == ""


def test_effects_are_told_apart_by_the_part_of_their_configuration_that_differs():
    row = INTERACTION | {"configuration": "positive_subset half, validation holdout"}
    (table,) = effect_dependence.describe_dependence(pd.DataFrame([INTERACTION, row]))
    assert [row.configuration for row in table.rows] == ["positive subset base", "positive subset half"]


@pytest.mark.parametrize(
    ("verdicts", "sentence"),
    [
        (["undecided"] * 3, "All 3 effects are undecided."),
        (["no verdict"], "The effect is without a verdict."),
        (["undecided", "no verdict", "undecided"], "Of 3 effects, 2 are undecided and 1 is without a verdict."),
    ],
)
def test_open_effects_are_counted(verdicts, sentence):
    rows = pd.DataFrame([INTERACTION | {"verdict": verdict} for verdict in verdicts])
    (table,) = effect_dependence.describe_dependence(rows)
    assert table.sentences[-1] == sentence
