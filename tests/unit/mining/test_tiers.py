import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardneg.common.errors import InputError
from hardneg.mining import tiers
from hardneg.mining.tiers import TierDefinition


def cut(*arguments, **options):
    return tiers.cut_tier(*arguments, **options).files


@pytest.fixture
def pool():
    """A thousand files whose confidences are 0.000, 0.001, ... 0.999."""
    confidence = np.arange(1000) / 1000
    return pd.DataFrame(
        {
            "file_path": [f"{n:03d}.wav" for n in range(1000)],
            "confidence": confidence,
            "start_s": 0.0,
            "end_s": 3.0,
            "recorder_id": "r",
            "date": "",
            "night": "",
        }
    ).sample(frac=1, random_state=0)


def test_bounds_are_nested_or_exclusive_as_asked(pool):
    conf50, conf85 = (cut(pool, "t", TierDefinition(min_confidence=low)) for low in (0.5, 0.85))
    band = cut(pool, "t", TierDefinition(min_confidence=0.5, max_confidence=0.85))
    assert (len(conf50), len(conf85), len(band)) == (500, 150, 350)
    assert set(band.file_path) == set(conf50.file_path) - set(conf85.file_path)


def test_a_confidence_of_exactly_one_is_in_the_top_tier(pool):
    certain = pool.assign(confidence=1.0)
    assert len(cut(certain, "t", TierDefinition(min_confidence=0.99))) == 1000


def test_ranks_are_those_of_the_whole_pool(pool):
    assert list(cut(pool, "t", TierDefinition(max_confidence=0.5, top_k=3))["rank"]) == [501, 502, 503]


def test_top_fraction_takes_the_hardest_of_those_within_bounds(pool):
    assert list(cut(pool, "t", TierDefinition(min_confidence=0.5, top_fraction=0.004)).confidence) == [
        0.999,
        0.998,
    ]


def test_a_matched_tier_has_the_others_size_and_not_its_hardness(pool):
    matched = cut(pool, "t", TierDefinition(min_confidence=0.5, match_size_of="conf99"), size=50)
    assert len(matched) == 50
    assert matched.confidence.min() >= 0.5
    assert 0.65 < matched.confidence.mean() < 0.85


def test_a_random_draw_is_repeatable_differs_by_name_and_seed_and_hardly_moves_when_the_pool_grows(pool):
    draw = set(cut(pool, "t", TierDefinition(random=100)).file_path)
    assert draw == set(cut(pool.sample(frac=1, random_state=1), "t", TierDefinition(random=100)).file_path)
    assert draw != set(cut(pool, "other", TierDefinition(random=100)).file_path)
    assert draw != set(cut(pool, "t", TierDefinition(random=100, seed=1)).file_path)
    more = pd.concat([pool, pool.head(50).assign(file_path=[f"new{n}.wav" for n in range(50)])])
    assert len(draw & set(cut(more, "t", TierDefinition(random=100)).file_path)) > 80


def test_an_empty_tier_says_why_and_which_bounds_would_select_files(pool):
    tier = tiers.cut_tier(pool, "conf99", TierDefinition(min_confidence=0.9995))
    assert tier.files.empty and list(tier.files.columns) == tiers.COLUMNS
    assert tier.notes == [
        "No file has a confidence of 0.9995 or more. The highest of the 1000 files is 0.999. "
        "min_confidence: 0.990 would select 10 files; min_confidence: 0.900 would select 100 files; "
        "min_confidence: 0.000 would select 1000 files."
    ]


def test_a_tier_that_takes_the_size_of_an_empty_tier_is_empty(pool):
    definitions = {"conf99": {"min_confidence": 0.9995}, "random": {"match_size_of": "conf99"}}
    control = tiers.build_tier("random", definitions, tiers.PoolTables(pool), {}, 1)
    assert control.files.empty
    assert control.notes == ["Tier 'conf99', whose size it takes, is empty."]


def test_an_empty_tier_stops_the_workflow_if_it_is_asked_to(pool):
    definitions = {"conf99": {"min_confidence": 0.9995, "allow_empty": False}}
    with pytest.raises(
        InputError, match=r"negative tier 'conf99' is empty\. No file has a confidence of 0\.9995 or more"
    ):
        tiers.build_tier("conf99", definitions, tiers.PoolTables(pool), {})


def test_a_pool_without_files_is_named_as_the_reason(pool):
    assert "The pool has no files" in tiers.cut_tier(pool.head(0), "t", TierDefinition(top_k=3)).notes[0]


@pytest.fixture
def detections():
    """A pool of three recorders in which another program detected the species in 3 of 90 files."""
    names = [f"{recorder}/{number:02d}.wav" for recorder in "ABC" for number in range(30)]
    confidence = [{"A/07.wav": 0.9, "B/01.wav": 0.8, "C/29.wav": 0.7}.get(name, 0.0) for name in names]
    return pd.DataFrame({"file_path": names, "confidence": confidence, "recorder_id": [name[0] for name in names]})


def test_files_of_equal_confidence_are_drawn_at_random_and_not_by_name(detections):
    tier = tiers.cut_tier(detections, "top", TierDefinition(top_k=30))
    assert set(tier.files.file_path[:3]) == {"A/07.wav", "B/01.wav", "C/29.wav"}
    assert tier.files.recorder_id.value_counts().between(5, 15).all()
    shuffled = detections.sample(frac=1, random_state=0)
    assert list(tiers.cut_tier(shuffled, "other", TierDefinition(top_k=30)).files.file_path) == list(
        tier.files.file_path
    )
    assert tier.notes == [
        "27 of its 30 files have the same confidence (0) as 60 files that it leaves out. These files were drawn at "
        "random. The mining model found nothing in them."
    ]


def test_a_smaller_tier_is_part_of_a_larger_one_in_spite_of_ties(detections):
    small, large = (set(cut(detections, str(count), TierDefinition(top_k=count)).file_path) for count in (10, 40))
    assert small < large


def test_ties_that_decide_nothing_are_not_mentioned(detections):
    assert tiers.cut_tier(detections, "top", TierDefinition(top_k=3)).notes == []
    assert tiers.cut_tier(detections, "all", TierDefinition(top_k=90)).notes == []
    at_half = detections.assign(confidence=0.5)
    (note,) = tiers.cut_tier(at_half, "top", TierDefinition(top_fraction=0.1)).notes
    assert (
        note.startswith("9 of its 9 files have the same confidence (0.5) as 81 files") and "found nothing" not in note
    )


def test_a_tier_too_small_to_match_is_refused(pool):
    with pytest.raises(InputError, match=r"'t' needs 200 files \(match_size_of: big\), but only 100 are within"):
        cut(pool, "t", TierDefinition(min_confidence=0.9, match_size_of="big"), size=200)


@pytest.mark.parametrize(
    ("tier", "none"),
    [({}, True), ({"allow_empty": True}, True), ({"random": 3}, False), ({"match_size_of": "x"}, False)],
)
def test_a_tier_that_selects_nothing_is_none(tier, none):
    assert tiers.is_none(tier) == none


@given(
    confidence=st.lists(st.floats(0, 1), min_size=1, max_size=60),
    low=st.floats(0, 1),
    high=st.floats(0, 1),
    size=st.integers(1, 70),
)
def test_a_tier_of_any_pool_keeps_its_bounds_order_and_size(confidence, low, high, size):
    pool = pd.DataFrame({"file_path": [f"{n}.wav" for n in range(len(confidence))], "confidence": confidence})
    tier = cut(pool, "t", TierDefinition(min_confidence=low, max_confidence=high, top_k=size, allow_empty=True))
    within = [value for value in confidence if low <= value and (value < high or high == 1)]
    assert list(tier.confidence) == sorted(within, reverse=True)[:size]
    assert tier["rank"].is_monotonic_increasing and tier.file_path.is_unique


def test_a_cap_keeps_the_hardest_of_each_recorder_night(pool):
    after_midnight = pool.confidence > 0.9985
    date = np.where(after_midnight, "2025-02-02", "2025-02-01")
    nights = pool.assign(recorder_id=pool.file_path.str[0], date=date, night="2025-02-01")
    tier = cut(nights, "t", TierDefinition(min_confidence=0.5, per_night=3))
    assert tier.recorder_id.value_counts().eq(3).all() and tier.recorder_id.nunique() == 5
    assert list(tier.confidence[:4]) == [0.999, 0.998, 0.997, 0.899]


def test_a_cap_keeps_the_hardest_of_each_cluster_before_the_hardest_are_taken(pool):
    clusters = pd.DataFrame({"file_path": pool.file_path, "cluster": pool.file_path.str[2].astype(int)})
    tier = cut(pool, "t", TierDefinition(per_cluster=1, top_k=4), clusters=clusters)
    assert list(tier.confidence) == [0.999, 0.998, 0.997, 0.996]
    assert len(cut(pool, "t", TierDefinition(per_cluster=2), clusters=clusters)) == 20


def test_a_random_tier_is_drawn_again_for_each_seed_of_the_matrix_unless_it_is_fixed(pool):
    tables = tiers.PoolTables(pool)
    definitions = {"drawn": {"random": 100}, "control": {"match_size_of": "top"}, "top": {"top_k": 30}}
    for name in ("drawn", "control"):
        draws = [set(tiers.build_tier(name, definitions, tables, {}, seed).files.file_path) for seed in (1, 1, 2)]
        assert draws[0] == draws[1] != draws[2]
        assert len(draws[2]) == len(draws[0])
    assert tiers.is_redrawn({"random": 3}) and tiers.is_redrawn({"match_size_of": "top"})
    assert not tiers.is_redrawn({"random": 3, "redraw": False}) and not tiers.is_redrawn({"top_k": 3})


def test_a_disjoint_control_has_no_file_of_the_tier_whose_size_it_takes(pool):
    definitions = {
        "top": {"top_k": 600}, "drawn": {"random": 300},
        "other": {"match_size_of": "drawn", "disjoint": True}, "too many": {"match_size_of": "top", "disjoint": True},
    }  # fmt: skip
    for seed in (1, 2):
        drawn, other = (
            tiers.build_tier(name, definitions, tiers.PoolTables(pool), {}, seed).files for name in ("drawn", "other")
        )
        assert len(other) == 300 and not set(drawn.file_path) & set(other.file_path)
    with pytest.raises(InputError, match=r"needs 600 files \(match_size_of: top\), but only 400"):
        tiers.build_tier("too many", definitions, tiers.PoolTables(pool), {}, 1)
