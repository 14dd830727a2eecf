import numpy as np
import pandas as pd
import pytest
from training_defaults import TRAINING

from hardneg.audit import cross_fit
from hardneg.audit.cross_fit import CrossFitSettings
from hardneg.common.errors import InputError
from hardneg.features import store
from hardneg.models.training_settings import TrainingSettings


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


def test_every_file_is_scored_once_by_models_of_other_recorders_whatever_the_number_of_processes(monkeypatch):
    rng = np.random.default_rng(2)
    files = pd.DataFrame({"file_path": [f"f{n:03d}" for n in range(90)], "start_s": 0.0, "end_s": 3.0})
    files["recorder_id"] = [f"r{n % 9}" for n in range(90)]
    files["label"] = (np.arange(90) % 3 == 0).astype(int)
    files["origin"] = np.where(files.label == 1, "positive", np.where(np.arange(90) % 3 == 1, "negative", "pool"))
    files = files.assign(array="a", row=range(90))
    vectors = (rng.standard_normal((90, 8)) + 2 * files.label.to_numpy()[:, None]).astype(np.float16)
    monkeypatch.setattr(store, "load", lambda table: vectors[table["row"]])
    training = TRAINING | {"model": "head", "epochs": 2, "batch_size": 8}
    settings = CrossFitSettings(3, 30, TrainingSettings.from_config(training), seed=1)
    one, two = (
        cross_fit.score_folds(files, files.head(12), {"f002"}, settings, "cpu", processes) for processes in (1, 2)
    )
    pd.testing.assert_frame_equal(one, two)
    assert sorted(one.file_path) == list(files.file_path)
    assert list(one.columns) == cross_fit.SCORE_COLUMNS
    assert one.confidence[one.label == 1].mean() > one.confidence[one.label == 0].mean()
