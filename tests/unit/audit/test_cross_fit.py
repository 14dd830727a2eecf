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
            "file_path": ["loud", "faint", "quiet", "validation", "test"], "recorder_id": "r", "group": "r night",
            "label": ["positive", "positive", "negative", "positive", "positive"], "quality": ["high", "low", "", "low", "high"],
            "split": ["train", "train", "train", "val", "test_iid"],
        }
    )  # fmt: skip
    index = pd.DataFrame({"file_path": labelled.file_path, "start_s": 0.0, "end_s": 3.0, "array": "a", "row": range(5)})
    pool_index = pd.DataFrame(
        {"file_path": "mined", "start_s": [0.0, 3.0], "end_s": [3.0, 6.0], "array": "b", "row": [0, 1]}
    )
    mined = pd.DataFrame({"file_path": ["mined"], "recorder_id": "r", "group": "r night", "start_s": 3.0})
    windows, validation = cross_fit.collect_windows(labelled, index, mined, pool_index)
    assert windows.set_index("file_path").label.to_dict() == {"loud": 1, "faint": 1, "quiet": 0, "mined": 0}
    assert list(windows[windows.origin == "pool"].row) == [1]
    assert list(validation.file_path) == ["validation"]


@pytest.fixture
def windows():
    rng = np.random.default_rng(0)
    origin = rng.choice(["positive", "negative", "pool"], 300)
    recorder = np.where(origin == "pool", "p", "r") + rng.integers(10, size=300).astype(str).astype(object)
    table = pd.DataFrame({"origin": origin, "recorder_id": recorder, "label": (origin == "positive").astype(int)})
    return table.assign(group=table.recorder_id, file_path=[f"{n}.wav" for n in range(300)])


def test_a_recorder_is_in_one_fold_and_each_fold_has_every_kind(windows):
    fold = cross_fit.assign_folds(windows, 5, seed=1)
    assert fold.groupby(windows.recorder_id).nunique().max() == 1
    assert (pd.crosstab(fold, windows.origin) > 0).all(axis=None) and sorted(fold.unique()) == [0, 1, 2, 3, 4]


def label_files(labels, recorders, nights):
    """A window for each letter of `labels`: positive, negative or pool (p, n or o)."""
    origins = {"p": "positive", "n": "negative", "o": "pool"}
    table = pd.DataFrame({"origin": [origins[label] for label in labels], "recorder_id": list(recorders)})
    group = table.recorder_id + pd.Series(list(nights))
    names = [f"{n}.wav" for n in range(len(labels))]
    return table.assign(group=group, file_path=names, label=(table.origin == "positive").astype(int))


FEW = {
    "fewer recorders than folds": ("ppnnoo" * 2, "ababab" * 2, "1" * 12, "recorder_id", 2),
    "all positives of one recorder": ("ppppnnnnoo", "aaaaaabbbb", "1122112233", "group", 5),
    "one night": ("ppppnnnnoo", "aaaaaaaabb", "1111111111", "file_path", 4),
}


@pytest.mark.parametrize("case", FEW)
def test_with_few_recorders_the_folds_divide_what_can_be_divided(case, caplog):
    labels, recorders, nights, unit, folds = FEW[case]
    windows = label_files(labels, recorders, nights)
    fold = cross_fit.assign_folds(windows, 9, seed=1)
    assert fold.groupby(windows[unit]).nunique().max() == 1 and 1 < fold.nunique() <= folds
    assert all(windows.label[fold != number].nunique() == 2 for number in fold.unique())
    assert "too few recorders" in caplog.text


def test_one_labelled_file_cannot_be_cross_fitted():
    with pytest.raises(InputError, match="at least two labeled positives"):
        cross_fit.assign_folds(label_files("pnnooo", "abcdef", "1" * 6), 3, seed=1)


def test_every_file_is_scored_once_by_models_of_other_recorders_whatever_the_number_of_processes(monkeypatch):
    rng = np.random.default_rng(2)
    files = pd.DataFrame({"file_path": [f"f{n:03d}" for n in range(90)], "start_s": 0.0, "end_s": 3.0})
    files["recorder_id"] = files["group"] = [f"r{n % 9}" for n in range(90)]
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
