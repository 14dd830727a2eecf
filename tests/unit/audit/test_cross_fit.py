import numpy as np
import pandas as pd
import pytest

from hardneg.audit import cross_fit
from hardneg.common.errors import InputError


def test_the_audit_trains_on_labelled_positives_of_every_quality_and_on_the_pool_as_negative():
    labelled = pd.DataFrame(
        {
            "file_path": ["loud", "faint", "quiet", "validation", "test"], "recorder_id": "r",
            "label": ["positive", "positive", "negative", "positive", "positive"], "quality": ["high", "low", "", "low", "high"],
            "split": ["train", "train", "train", "val", "test_iid"],
        }
    )  # fmt: skip
    index = pd.DataFrame({"file_path": labelled.file_path, "start_s": 0.0, "end_s": 3.0, "array": "a", "row": range(5)})
    pool_index = pd.DataFrame(
        {"file_path": "mined", "start_s": [0.0, 3.0], "end_s": [3.0, 6.0], "array": "b", "row": [0, 1]}
    )
    mined = pd.DataFrame({"file_path": ["mined"], "recorder_id": "r", "start_s": 3.0})
    windows, validation = cross_fit.collect_windows(labelled, index, mined, pool_index)
    assert windows.set_index("file_path").label.to_dict() == {"loud": 1, "faint": 1, "quiet": 0, "mined": 0}
    assert list(windows[windows.origin == "pool"].row) == [1]
    assert list(validation.file_path) == ["validation"]


@pytest.fixture
def windows():
    rng = np.random.default_rng(0)
    origin = rng.choice(["positive", "negative", "pool"], 300)
    recorder = np.where(origin == "pool", "p", "r") + rng.integers(10, size=300).astype(str).astype(object)
    return pd.DataFrame({"origin": origin, "recorder_id": recorder, "label": (origin == "positive").astype(int)})


def test_a_recorder_is_in_one_fold_and_each_fold_has_every_kind(windows):
    fold = cross_fit.assign_folds(windows, 5, seed=1)
    assert fold.groupby(windows.recorder_id).nunique().max() == 1
    assert (pd.crosstab(fold, windows.origin) > 0).all(axis=None) and sorted(fold.unique()) == [0, 1, 2, 3, 4]
    with pytest.raises(InputError, match=r"20 recorders into 30 folds: lower audit\.folds"):
        cross_fit.assign_folds(windows, 30, seed=1)
