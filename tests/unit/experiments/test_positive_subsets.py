import pandas as pd
import pytest

from hardneg.common.errors import InputError
from hardneg.experiments import positive_subsets, training_run


@pytest.fixture
def recordings():
    rows = [
        (f"{quality}{n}.wav", "positive", "train", quality, "grunt") for quality in ("high", "low") for n in range(10)
    ]
    rows += [("high.wav", "positive", "val", "high", "grunt"), ("no.wav", "negative", "train", "", "")]
    return pd.DataFrame(rows, columns=["file_path", "label", "split", "quality", "call_type"])


def test_only_training_positives_of_the_qualities_are_taken(recordings):
    subset = positive_subsets.select(recordings, "base", quality=["high"])
    assert sorted(subset.file_path) == [f"high{n}.wav" for n in range(10)]


def test_the_best_scored_share_of_the_others_is_added(recordings):
    ranking = pd.DataFrame({"file_path": [f"low{n}.wav" for n in range(10)], "confidence": [n / 10 for n in range(10)]})
    subset = positive_subsets.select(
        recordings, "large", quality=["high"], add={"quality": ["low"], "top_fraction": 0.3}, ranking=ranking
    )
    assert set(subset.file_path[subset.quality == "low"]) == {"low9.wav", "low8.wav", "low7.wav"}


def test_a_subset_without_recordings_is_named(recordings):
    with pytest.raises(InputError, match=r"'mid' holds no recording.*'high': 10"):
        positive_subsets.select(recordings, "mid", quality=["medium"])


def test_positives_without_a_quality_are_taken_as_unrated(recordings):
    recordings.loc[:2, "quality"] = ["", None, ""]
    assert list(positive_subsets.select(recordings, "some", quality=["unrated"]).file_path) == [
        f"high{n}.wav" for n in range(3)
    ]
    assert len(positive_subsets.select(recordings, "all", quality=["high", "low", "unrated"])) == 20
    with pytest.raises(InputError, match=r"'unrated': 3.*unrated takes those without one"):
        positive_subsets.select(recordings, "mid", quality=["medium"])


@pytest.mark.parametrize(
    ("add", "said"),
    [
        (
            {"quality": ["medium"], "top_fraction": 0.5},
            r"'half' adds no recording \(0.5 of 0 of quality medium\).*'low': 10",
        ),
        ({"quality": ["low"], "top_fraction": 0.01}, r"adds no recording \(0.01 of 10 of quality low\)"),
    ],
)
def test_a_subset_that_adds_nothing_is_refused_with_or_without_a_ranking(recordings, add, said):
    with pytest.raises(InputError, match=said):
        positive_subsets.validate_subsets(recordings, {"half": {"quality": ["high"], "add": add}})
    ranking = recordings[["file_path"]].assign(confidence=0.5)
    with pytest.raises(InputError, match=said):
        positive_subsets.select(recordings, "half", ["high"], add, ranking=ranking)


def test_a_subset_without_recordings_is_known_from_the_manifest_but_where_a_review_may_fill_it(recordings):
    with pytest.raises(InputError, match="'mid' holds no recording"):
        positive_subsets.validate_subsets(recordings, {"base": {"quality": ["high"]}, "mid": {"quality": ["medium"]}})
    positive_subsets.validate_subsets(recordings, {"heard": {"quality": ["medium"], "reviewed": True}})


def test_reviewed_positives_of_the_pool_join_a_subset_with_the_second_that_was_heard(tmp_path):
    labelled = pd.DataFrame(
        {
            "file_path": ["p.wav"],
            "label": "positive",
            "split": "train",
            "quality": "high",
            "call_type": "",
            "recorder_id": "r",
            "date": "",
        }
    )
    pool = labelled.assign(
        file_path="heard.wav", label="negative", split="pool", quality="", recorder_id=7, date="2025-02-01"
    )
    subset = positive_subsets.select(
        labelled, "s", ["high"], reviewed=[["gone.wav", 0.0], ["heard.wav", 2.9]], pool=pool
    )
    assert list(subset.file_path) == ["heard.wav", "p.wav"]
    assert subset.start_s[0] == 2.9 and pd.isna(subset.start_s[1])
    index = pd.DataFrame(
        {"file_path": "heard.wav", "start_s": [0.0, 3.0, 6.0], "end_s": [3.0, 6.0, 9.0], "array": "a", "row": range(3)}
    )
    index.to_parquet(tmp_path / "pool.parquet")
    windows = training_run.reviewed_windows(subset, tmp_path / "pool.parquet")
    assert windows[["start_s", "row", "group"]].to_numpy().tolist() == [[3.0, 1, "7@2025-02-01"]]
    assert training_run.reviewed_windows(subset[1:], None).empty
