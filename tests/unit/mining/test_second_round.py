import pandas as pd
import pytest

from hardneg.common.errors import InputError
from hardneg.mining import second_round, tiers
from hardneg.mining.second_round import SecondRoundSettings
from hardneg.mining.tiers import PoolTables


def pool(**confidences):
    table = pd.DataFrame({"file_path": list(confidences), "confidence": list(confidences.values())})
    return table.assign(start_s=0.0, end_s=3.0, recorder_id="r", date="")


FIRST = pool(a=0.99, b=0.9, c=0.6, d=0.4, e=0.2, f=0.1)
SECOND = pool(c=0.1, d=0.8, e=0.7, f=0.05).assign(start_s=1.0)
DEFINITIONS = {
    "hard": {"min_confidence": 0.85},
    "second": {"min_confidence": 0.5, "round": 2},
    "both": {"min_confidence": 0.5, "round": "joint"},
    "control": {"match_size_of": "second"},
}


def built(name, decisions=(), audited=None, definitions=DEFINITIONS):
    first_round_tier = tiers.build_tier("hard", DEFINITIONS, PoolTables(FIRST), {}).files
    pool_tables = PoolTables(FIRST, audited, None, SECOND, first_round_tier)
    return tiers.build_tier(name, definitions, pool_tables, dict(decisions)).files


def test_a_tier_of_the_second_round_contains_the_first_tier_and_what_that_round_finds_hard():
    tier = built("second")
    assert list(tier.file_path) == ["a", "b", "d", "e"]
    assert list(tier["round"]) == [1, 1, 2, 2] and list(tier["rank"]) == [1, 2, 1, 2]
    assert list(tier.start_s) == [0.0, 0.0, 1.0, 1.0]


def test_a_joint_tier_ranks_the_rest_by_both_rounds():
    tier = built("both")
    assert list(tier.file_path) == ["a", "b", "d"]
    assert tier.confidence[2] == pytest.approx((0.8 + 0.4) / 2)


def test_the_control_of_a_tier_of_two_rounds_is_of_its_size():
    assert len(built("control")) == 4


def test_excluded_files_are_excluded_from_both_rounds():
    assert list(built("second", {"a": "positive", "d": "uncertain"}).file_path) == ["b", "e"]
    audited = pd.DataFrame({"file_path": list("abcdef"), "unusable": [False, True, False, False, True, False]})
    definitions = DEFINITIONS | {"second": DEFINITIONS["second"] | {"exclude": ["unusable"]}}
    assert list(built("second", (), audited, definitions).file_path) == ["a", "d"]


def test_a_review_touches_a_tier_of_the_second_round_only_where_it_changes_its_files():
    first_round_tier = tiers.build_tier("hard", DEFINITIONS, PoolTables(FIRST), {}).files
    pool_tables = PoolTables(FIRST, None, None, SECOND, first_round_tier)
    fingerprints = {
        path: tiers.hash_review_effect("second", DEFINITIONS, pool_tables, {path: "positive"}) for path in "adecf"
    }
    assert all(fingerprints[path] for path in "ade") and not any(fingerprints[path] for path in "cf")


def test_a_second_round_that_finds_nothing_hard_is_empty_rather_than_equal_to_the_first_tier():
    definitions = DEFINITIONS | {"second": {"min_confidence": 0.95, "round": 2}}
    assert built("second", definitions=definitions).empty
    definitions["second"]["allow_empty"] = False
    with pytest.raises(InputError, match=r"negative tier 'second' is empty. The second round adds no file\. No file"):
        built("second", definitions=definitions)


def test_the_rounds_are_compared_on_the_files_outside_the_first_tier():
    table = second_round.compare_rounds(FIRST, SECOND, FIRST.head(2), [0.5, 0.95])
    by_rank, table = table.iloc[-1], table.set_index("min_confidence")
    assert table.loc[0.5, ["taken", "first_round", "second_round", "added", "dropped"]].tolist() == [2, 1, 2, 2, 1]
    assert table.overlap[0.5] == pytest.approx(1 / 2)  # d and e against c and d
    assert by_rank[["top_k", "taken", "first_round", "second_round", "added", "dropped"]].tolist() == [2, 2, 2, 2, 1, 1]
    assert by_rank.overlap == pytest.approx(1 / 2)
    assert table.taken[0.95] == 1 and table.second_round[0.95] == 0 and pd.isna(table.overlap[0.95])


def test_the_second_round_uses_the_first_mined_tier_unless_configured_otherwise():
    config = {
        "mining": {"positive_subset": "base", "seed": 5, "second_round": {}},
        "negative_tiers": {"none": {}} | DEFINITIONS,
        "matrix": {"negative_tier": ["none", "second", "hard", "control"]},
    }
    assert second_round.resolve_settings(config) == SecondRoundSettings("hard", "base", seed=5)
    config["mining"]["second_round"] = {"negative_tier": "control", "seed": 6}
    assert second_round.resolve_settings(config) == SecondRoundSettings("control", "base", seed=6)
    assert second_round.list_thresholds(DEFINITIONS) == [0.5, 0.85, 0.99]
