import numpy as np
import pytest

from hardneg.models.upsampling import MODES, upsample


def draw_windows(count, positives):
    """Draw features with this share of positives, which come first."""
    windows = np.random.default_rng(0).normal(size=(count, 64)).astype(np.float16)
    return windows, (np.arange(count) < positives * count).astype(int)


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "none"])
@pytest.mark.parametrize("smaller", [0, 1])
def test_the_smaller_class_is_filled_up_to_the_ratio_and_the_original_windows_stay(mode, smaller):
    windows, labels = draw_windows(100, 0.1)
    labels = labels if smaller else 1 - labels
    filled, marks = upsample(windows, labels, mode, 0.5, np.random.default_rng(0))
    assert (marks == smaller).sum() == 45 and (marks != smaller).sum() == 90
    np.testing.assert_array_equal(filled[:100], windows)
    assert filled.dtype == windows.dtype and filled.shape == (135, 64)


def test_added_windows_lie_where_their_mode_puts_them():
    rng = np.random.default_rng(3)
    # Two tight clusters of the smaller class, far apart.
    members = np.concatenate([rng.normal(0, 0.01, (8, 2)), rng.normal(10, 0.01, (8, 2))])
    windows = np.concatenate([members, rng.normal(50, 1, (200, 2))]).astype(np.float32)
    labels = np.r_[np.ones(16, int), np.zeros(200, int)]
    added = {mode: upsample(windows, labels, mode, 1.0, np.random.default_rng(0))[0][216:] for mode in MODES}
    assert len(added["none"]) == 0
    known = {tuple(row) for row in windows[:16]}
    assert all(tuple(row) in known for row in added["repeat"])
    assert not any(tuple(row) in known for row in added["mean"])
    between = {mode: ((rows > 1) & (rows < 9)).all(axis=1).mean() for mode, rows in added.items() if len(rows)}
    assert between["smote"] == 0, "neighbors are of the same cluster"
    assert between["linear"] > 0.2 and between["mean"] > 0.2
    middles = added["mean"][((added["mean"] > 1) & (added["mean"] < 9)).all(axis=1)]
    np.testing.assert_allclose(middles, 5, atol=0.1)


def test_nothing_is_added_to_a_class_that_is_large_enough_and_a_single_window_is_repeated():
    windows, labels = draw_windows(100, 0.4)
    assert len(upsample(windows, labels, "linear", 0.5, np.random.default_rng(0))[0]) == 100
    one = np.r_[1, np.zeros(99, int)]
    filled, marks = upsample(windows, one, "smote", 0.1, np.random.default_rng(0))
    assert marks.sum() == 10 and (filled[marks == 1] == windows[0]).all()
