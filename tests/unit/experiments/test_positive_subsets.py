import pandas as pd
import pytest

from hardneg.common.errors import InputError
from hardneg.experiments import training_run
from hardneg.experiments.positive_subsets import PositiveSubset, RankedAddition, select_positives, validate_subsets
from hardneg.review.review_table import ReviewedPositive


@pytest.fixture
def recordings():
    rows = [
        (f"{quality}{n}.wav", "positive", "train", quality, "grunt") for quality in ("high", "low") for n in range(10)
    ]
    rows += [("high.wav", "positive", "val", "high", "grunt"), ("no.wav", "negative", "train", "", "")]
    return pd.DataFrame(rows, columns=["file_path", "label", "split", "quality", "call_type"])


def test_only_training_positives_of_the_qualities_are_selected(recordings):
    subset = select_positives(recordings, PositiveSubset("base", quality=["high"]))
    assert sorted(subset.file_path) == [f"high{n}.wav" for n in range(10)]


def test_the_best_scored_share_of_the_others_is_added(recordings):
    ranking = pd.DataFrame({"file_path": [f"low{n}.wav" for n in range(10)], "confidence": [n / 10 for n in range(10)]})
    large = PositiveSubset("large", quality=["high"], add=RankedAddition(["low"], top_fraction=0.3))
    subset = select_positives(recordings, large, ranking)
    assert set(subset.file_path[subset.quality == "low"]) == {"low9.wav", "low8.wav", "low7.wav"}


def test_a_subset_without_recordings_is_named(recordings):
    with pytest.raises(InputError, match=r"'mid' holds no recording.*'high': 10"):
        select_positives(recordings, PositiveSubset("mid", quality=["medium"]))


def test_positives_without_a_quality_count_as_unrated(recordings):
    recordings.loc[:2, "quality"] = ["", None, ""]
    unrated = select_positives(recordings, PositiveSubset("some", quality=["unrated"]))
    assert list(unrated.file_path) == [f"high{n}.wav" for n in range(3)]
    assert len(select_positives(recordings, PositiveSubset("all", quality=["high", "low", "unrated"]))) == 20
    with pytest.raises(InputError, match=r"'unrated': 3.*unrated includes those without one"):
        select_positives(recordings, PositiveSubset("mid", quality=["medium"]))


@pytest.mark.parametrize(
    ("add", "message"),
    [
        (
            {"quality": ["medium"], "top_fraction": 0.5},
            r"'half' adds no recording \(0.5 of 0 of quality medium\).*'low': 10",
        ),
        ({"quality": ["low"], "top_fraction": 0.01}, r"adds no recording \(0.01 of 10 of quality low\)"),
    ],
)
def test_a_subset_that_adds_nothing_is_refused_with_or_without_a_ranking(recordings, add, message):
    with pytest.raises(InputError, match=message):
        validate_subsets(recordings, {"half": {"quality": ["high"], "add": add}})
    ranking = recordings[["file_path"]].assign(confidence=0.5)
    with pytest.raises(InputError, match=message):
        select_positives(recordings, PositiveSubset("half", ["high"], add=RankedAddition(**add)), ranking)


def test_an_empty_subset_is_refused_from_the_manifest_unless_a_review_may_fill_it(recordings):
    with pytest.raises(InputError, match="'mid' holds no recording"):
        validate_subsets(recordings, {"base": {"quality": ["high"]}, "mid": {"quality": ["medium"]}})
    validate_subsets(recordings, {"reviewed": {"quality": ["medium"], "reviewed": True}})


def test_reviewed_positives_of_the_pool_join_a_subset_with_their_window(tmp_path):
    labelled = pd.DataFrame(
        {
            "file_path": ["p.wav"],
            "label": "positive",
            "split": "train",
            "quality": "high",
            "call_type": "",
            "recorder_id": "r",
            "date": "",
            "night": "",
        }
    )
    pool = labelled.assign(
        file_path="from_pool.wav", label="negative", split="pool", quality="", recorder_id=7, night="2025-02-01"
    )
    reviewed = [ReviewedPositive("gone.wav", 0.0), ReviewedPositive("from_pool.wav", 2.9)]
    subset = select_positives(labelled, PositiveSubset("s", ["high"]), reviewed=reviewed, pool=pool)
    assert list(subset.file_path) == ["from_pool.wav", "p.wav"]
    assert subset.start_s[0] == 2.9 and pd.isna(subset.start_s[1])
    index = pd.DataFrame(
        {
            "file_path": "from_pool.wav",
            "start_s": [0.0, 3.0, 6.0],
            "end_s": [3.0, 6.0, 9.0],
            "array": "a",
            "row": range(3),
        }
    )
    index.to_parquet(tmp_path / "pool.parquet")
    windows = training_run.locate_reviewed_windows(subset, tmp_path / "pool.parquet")
    assert windows[["start_s", "row", "group"]].to_numpy().tolist() == [[3.0, 1, "7@2025-02-01"]]
    assert training_run.locate_reviewed_windows(subset[1:], "").empty


def test_a_subset_that_ranks_recordings_is_not_selected_without_a_ranking(recordings):
    subset = PositiveSubset("large", quality=["high"], add=RankedAddition(["low"], top_fraction=0.3))
    with pytest.raises(ValueError, match="pass a ranking"):
        select_positives(recordings, subset)
