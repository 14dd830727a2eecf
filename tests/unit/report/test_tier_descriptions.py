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
