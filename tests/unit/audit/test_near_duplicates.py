import numpy as np
import pandas as pd

from hardneg.audit import near_duplicates
from hardneg.features import store


def spectrograms(count, seed=0, frames=120):
    """Noise with a different band in each window, in dB."""
    rng = np.random.default_rng(seed)
    return rng.normal(-60, 5.6, (count, 40, frames)).astype(np.float16)


def test_a_copy_at_another_gain_and_response_is_found_on_any_date():
    windows = spectrograms(60)
    response = np.linspace(-6, 6, 40, dtype=np.float16)[:, None]
    windows[50] = windows[3] - 12 + response + np.random.default_rng(1).normal(0, 1, windows[3].shape)
    result = near_duplicates.find_similar_pairs(windows, [""] * 60, 0.9)
    assert result[["first", "second"]].to_numpy().tolist() == [[3, 50]]


def test_the_same_moment_on_two_recorders_of_a_night_is_found_though_it_is_shifted():
    windows = spectrograms(60)
    windows[50, :, :90] = windows[3, :, 30:]
    dates = ["d1", "d2"] * 30
    dates[50] = dates[3]
    assert near_duplicates.find_similar_pairs(windows, dates, 0.9)[["first", "second"]].to_numpy().tolist() == [[3, 50]]


def test_embeddings_are_compared_by_their_angle():
    vectors = np.eye(8, dtype=np.float32)
    vectors[5] = 3 * vectors[2] + 0.1
    result = near_duplicates.find_similar_pairs(vectors, [""] * 8, 0.9)
    assert result[["first", "second"]].to_numpy().tolist() == [[2, 5]]


def test_of_two_similar_files_the_easier_is_a_duplicate_and_so_is_one_similar_to_a_labelled_positive(monkeypatch):
    windows = spectrograms(6)
    windows[3], windows[5] = windows[1], windows[0]
    monkeypatch.setattr(store, "load", lambda table: windows[table["row"]])
    origins = ["positive", "pool", "pool", "pool", "pool", "pool"]
    table = pd.DataFrame({"file_path": list("abcdef"), "night": "", "origin": origins, "row": range(6)})
    result = near_duplicates.find_near_duplicates(table.iloc[[1, 2, 3, 4, 5, 0]], 0.9)
    assert result[["file_path", "similar_to"]].to_numpy().tolist() == [["d", "b"], ["f", "the labeled positive a"]]


def test_windows_of_one_night_are_compared_across_midnight():
    labelled = pd.DataFrame({"file_path": ["a"], "label": "positive", "date": "2025-03-12", "night": "2025-03-12"})
    scores = pd.DataFrame({"file_path": ["b"], "start_s": 0.0, "date": "2025-03-13", "night": "2025-03-12"})
    index = pd.DataFrame({"file_path": ["a", "b"], "start_s": 0.0, "end_s": 3.0, "array": "x", "row": [0, 1]})
    windows = near_duplicates.select_windows(labelled, index[:1], scores, index[1:], pool_files=1)
    assert list(windows.night) == ["2025-03-12", "2025-03-12"]
