import pandas as pd
import pytest

from hardneg.features import store


@pytest.fixture
def index():
    return pd.DataFrame(
        {
            "file_path": ["a", "a", "b"],
            "start_s": [0.0, 3.0, 0.0],
            "end_s": [3.0, 6.0, 3.0],
            "array": "x.npy",
            "row": [0, 1, 2],
        }
    )


def test_windows_are_located_in_their_order_with_the_columns_that_they_lack(index):
    windows = pd.DataFrame(
        {"file_path": ["b", "a"], "start_s": [0.0, 3.0], "end_s": [3.0, 6.0], "confidence": [0.9, 0.8]}
    )
    located = store.locate_windows(windows, index)
    assert list(located.columns) == ["file_path", "start_s", "end_s", "confidence", "array", "row"]
    assert list(located["row"]) == [2, 1] and list(located.confidence) == [0.9, 0.8]


def test_a_window_that_is_listed_twice_is_refused(index):
    windows = pd.DataFrame({"file_path": ["a", "a"], "start_s": [0.0, 0.0]})
    with pytest.raises(pd.errors.MergeError):
        store.locate_windows(windows, index)
