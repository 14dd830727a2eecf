import pandas as pd
import pytest

from hardneg import positives
from hardneg.errors import InputError


@pytest.fixture
def recordings():
    rows = [
        (f"{quality}{n}.wav", "positive", "train", quality, "grunt") for quality in ("high", "low") for n in range(10)
    ]
    rows += [("high.wav", "positive", "val", "high", "grunt"), ("no.wav", "negative", "train", "", "")]
    return pd.DataFrame(rows, columns=["file_path", "label", "split", "quality", "call_type"])


def test_only_training_positives_of_the_qualities_are_taken(recordings):
    subset = positives.select(recordings, "base", quality=["high"])
    assert sorted(subset.file_path) == [f"high{n}.wav" for n in range(10)]


def test_the_best_scored_share_of_the_others_is_added(recordings):
    ranking = pd.DataFrame({"file_path": [f"low{n}.wav" for n in range(10)], "confidence": [n / 10 for n in range(10)]})
    subset = positives.select(
        recordings, "large", quality=["high"], add={"quality": ["low"], "top_fraction": 0.3}, ranking=ranking
    )
    assert set(subset.file_path[subset.quality == "low"]) == {"low9.wav", "low8.wav", "low7.wav"}


def test_a_subset_without_recordings_is_named(recordings):
    with pytest.raises(InputError, match=r"'mid' holds no recording.*'high': 10"):
        positives.select(recordings, "mid", quality=["medium"])
