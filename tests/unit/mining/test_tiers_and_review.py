import pandas as pd
import pytest

from hardneg.mining import tiers


@pytest.fixture
def pool():
    confidence = [0.99, 0.98, 0.9, 0.6, 0.3, 0.1]
    return pd.DataFrame(
        {
            "file_path": list("abcdef"),
            "confidence": confidence,
            "start_s": 0.0,
            "end_s": 3.0,
            "recorder_id": "r",
            "date": "",
            "night": "",
        }
    )


@pytest.fixture
def audited(pool):
    suspected = pool.file_path.isin(["a", "b"])
    unusable = pool.file_path == "d"
    return pool.assign(suspected_positive=suspected, suspected_positive_excluded=suspected, unusable=unusable)


def test_a_reviewers_answer_takes_precedence_over_the_audit(audited):
    decisions = {"a": "negative", "c": "positive", "e": "uncertain"}
    assert tiers.find_excluded_files(decisions, audited, ["suspected_positive", "unusable"]) == {"b", "c", "d", "e"}
    assert tiers.find_excluded_files(decisions, None, []) == {"c", "e"}


def test_suspected_positives_stay_where_the_audit_cannot_tell(audited):
    undecided = audited.assign(suspected_positive_excluded=False)
    assert tiers.find_excluded_files({}, undecided, ["suspected_positive", "unusable"]) == {"d"}
    of_an_older_version = audited.drop(columns="suspected_positive_excluded")
    assert tiers.find_excluded_files({}, of_an_older_version, ["suspected_positive"]) == {"a", "b"}


def test_a_tier_without_excluded_files_keeps_the_pools_ranks(pool):
    tier = tiers.cut_tier(pool, "t", tiers.TierDefinition(min_confidence=0.5), excluded={"a", "c"}).files
    assert list(tier.file_path) == ["b", "d"] and list(tier["rank"]) == [2, 4]


def test_only_tiers_whose_files_a_review_changes_are_touched(pool, audited):
    definitions = {
        "hard": {"min_confidence": 0.85}, "clean": {"min_confidence": 0.85, "exclude": ["suspected_positive"]},
        "like": {"match_size_of": "hard"}, "easy": {"max_confidence": 0.5},
    }  # fmt: skip

    def touched(**decisions):
        return {
            name
            for name in definitions
            if tiers.hash_review_effect(name, definitions, tiers.PoolTables(pool, audited), decisions)
        }

    assert touched() == set()
    assert touched(a="negative") == {"clean"}, "taken back from the audit"
    assert touched(c="negative") == set()
    assert {"hard", "like"} <= touched(a="positive"), "a matched tier shrinks with the other"
    assert "easy" not in touched(a="positive") and "clean" not in touched(a="positive")
    assert "easy" in touched(e="uncertain")
