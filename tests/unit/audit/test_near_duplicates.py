import numpy as np
import pandas as pd

from hardneg.audit import near_duplicates
from hardneg.features import store

WHOLE = np.ones(60)


def spectrograms(count, seed=0, frames=120):
    """Noise with a different band in each window, in dB."""
    rng = np.random.default_rng(seed)
    return rng.normal(-60, 5.6, (count, 40, frames)).astype(np.float16)


def test_a_copy_at_another_gain_and_response_is_found_on_any_date():
    windows = spectrograms(60)
    response = np.linspace(-6, 6, 40, dtype=np.float16)[:, None]
    windows[50] = windows[3] - 12 + response + np.random.default_rng(1).normal(0, 1, windows[3].shape)
    result = near_duplicates.find_similar_pairs(windows, [""] * 60, WHOLE, 0.9)
    assert result[["first", "second"]].to_numpy().tolist() == [[3, 50]]


def test_the_same_moment_on_two_recorders_of_a_night_is_found_though_it_is_shifted():
    windows = spectrograms(60)
    windows[50, :, :90] = windows[3, :, 30:]
    dates = ["d1", "d2"] * 30
    dates[50] = dates[3]
    assert near_duplicates.find_similar_pairs(windows, dates, WHOLE, 0.9)[["first", "second"]].to_numpy().tolist() == [
        [3, 50]
    ]


def test_embeddings_are_compared_by_their_angle():
    vectors = np.eye(8, dtype=np.float32)
    vectors[5] = 3 * vectors[2] + 0.1
    result = near_duplicates.find_similar_pairs(vectors, [""] * 8, np.ones(8), 0.9)
    assert result[["first", "second"]].to_numpy().tolist() == [[2, 5]]


def test_of_two_similar_files_the_easier_is_a_duplicate_and_so_is_one_similar_to_a_labelled_positive(monkeypatch):
    windows = spectrograms(6)
    windows[3], windows[5] = windows[1], windows[0]
    monkeypatch.setattr(store, "load", lambda table: windows[table["row"]])
    origins = ["positive", "pool", "pool", "pool", "pool", "pool"]
    table = pd.DataFrame(
        {"file_path": list("abcdef"), "night": "", "origin": origins, "row": range(6), "sound_share": 1.0}
    )
    result = near_duplicates.find_near_duplicates(table.iloc[[1, 2, 3, 4, 5, 0]], 0.9)
    assert result[["file_path", "similar_to"]].to_numpy().tolist() == [["d", "b"], ["f", "the labeled positive a"]]


def tables_of(**columns):
    defaults = {"label": "positive", "split": "train", "night": "n", "duration_s": 3.0, "start_s": 0.0, "end_s": 3.0}
    table = pd.DataFrame(columns).assign(array="x")
    table["row"] = range(len(table))
    return table.assign(**{name: value for name, value in defaults.items() if name not in table})


def select(labelled, pool, pool_files=10):
    index = ["file_path", "start_s", "end_s", "array", "row"]
    scores = pool[["file_path", "night", "start_s"]]
    return near_duplicates.select_windows(labelled, labelled[index], scores, pool[index], pool, pool_files)


def test_windows_of_one_night_are_compared_across_midnight():
    labelled = tables_of(file_path=["a"], date=["2025-03-12"], night=["2025-03-12"])
    pool = tables_of(file_path=["b"], date=["2025-03-13"], night=["2025-03-12"])
    assert list(select(labelled, pool).night) == ["2025-03-12", "2025-03-12"]


def test_positives_of_the_test_splits_are_not_compared_with_the_pool():
    labelled = tables_of(file_path=list("abcd"), split=["train", "val", "test_iid", "test_ood"])
    assert list(select(labelled, tables_of(file_path=["p"])).file_path) == ["a", "b", "p"]


def test_the_share_of_a_window_that_is_sound_ends_with_the_recording():
    windows = select(tables_of(file_path=["a"]), tables_of(file_path=["p", "q"], duration_s=[0.75, 9.0]))
    assert list(windows.sound_share) == [1, 0.25, 1]


def pad(windows, share):
    """Replace the end of each spectrogram by the level of digital silence."""
    padded = windows.copy()
    padded[:, :, round(share * windows.shape[2]) :] = -100
    return padded


def test_short_recordings_are_not_similar_because_their_windows_are_padded_alike():
    windows = pad(spectrograms(60), 0.25)
    shares, nights = np.full(60, 0.25), ["n"] * 60
    assert near_duplicates.find_similar_pairs(windows, nights, shares, 0.9).empty
    as_if_whole = near_duplicates.find_similar_pairs(windows, nights, WHOLE, 0.9)
    assert len(as_if_whole) > 1000, "with their padding, they are all alike"


def test_copies_of_a_short_recording_are_found_also_inside_a_longer_one():
    windows = spectrograms(60)
    windows[50, :, :30] = windows[3, :, 70:100] - 6
    windows[51, :, :30] = windows[50, :, :30]
    windows[50:52] = pad(windows[50:52], 0.25)
    shares = np.where(np.isin(range(60), [50, 51]), 0.25, 1.0)
    result = near_duplicates.find_similar_pairs(windows, ["n"] * 60, shares, 0.9)
    assert result[["first", "second"]].to_numpy().tolist() == [[3, 50], [3, 51], [50, 51]]


def test_embeddings_of_windows_that_are_mostly_padding_are_not_compared(monkeypatch):
    vectors = np.ones((4, 8), np.float16)
    monkeypatch.setattr(store, "load", lambda table: vectors[table["row"]])
    table = pd.DataFrame({"file_path": list("abcd"), "night": "", "origin": "pool", "row": range(4)})
    result = near_duplicates.find_near_duplicates(table.assign(sound_share=[1, 0.2, 0.3, 0.6]), 0.9)
    assert list(result.file_path) == ["d"]
