import pandas as pd
import pytest

from hardneg.report import tier_descriptions


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        ({}, "no mined negatives"),
        ({"min_confidence": 0.5, "max_confidence": 0.85}, "confidence of at least 0.5; confidence below 0.85"),
        ({"top_fraction": 0.05, "ranked_by": "minimum"}, "ranked by minimum; the hardest 5.0%"),
        ({"round": 2, "min_confidence": 0.5}, "second round of mining; confidence of at least 0.5"),
        (
            {"match_size_of": "top", "exclude": ["unusable"]},
            "without unusable files; cut at random to the size of top; drawn again for each seed",
        ),
        (
            {"match_size_of": "top", "disjoint": True, "redraw": False},
            "cut at random to the size of top; without the files of top",
        ),
    ],
)
def test_a_tiers_definition_is_described_in_words(definition, words):
    assert tier_descriptions.describe_definition(definition) == words


def test_an_empty_tier_and_a_tier_cut_through_ties_have_warnings_that_name_them():
    empty = pd.DataFrame({"confidence": [], "recorder_id": []})
    files = pd.DataFrame({"confidence": [0.0, 0.0], "recorder_id": ["r", "r"]})
    definitions = {"none": {}, "conf95": {"min_confidence": 0.95}, "top": {"top_k": 2}, "random": {"random": 2}}
    notes = {"conf95": ["No file has a confidence of 0.95 or more."], "top": ["2 of its 2 files are ties."]}
    runs = pd.DataFrame(
        {"positive_subset": "a", "negative_tier": ["none", "top"], "validation": "holdout", "seed": 1,
         "mined_negatives": [0, 2]}
    )  # fmt: skip
    tiers = {"conf95": empty, "top": files, "random": files}
    described = tier_descriptions.describe_tiers(tiers, notes, definitions, runs)
    assert [tier.warnings for tier in described] == [
        [],
        ["Tier conf95 has no files, so its runs are left out. No file has a confidence of 0.95 or more."],
        ["Tier top: 2 of its 2 files are ties."],
        [],
    ]
