import numpy as np
import pandas as pd
import pytest
import torch

from hardneg.experiments import evaluation, split_scores
from hardneg.experiments.evaluation import EvaluationSettings
from hardneg.models.thresholds import HIGHEST_F1
from hardneg.recordings.nights import CLUSTER_COLUMNS


class Loudness(torch.nn.Module):
    """Takes the mean of a window for its logit."""

    def forward(self, windows):
        return windows.float().mean(dim=1)


class Silence(Loudness):
    """Takes the negative mean of a window for its logit."""

    def forward(self, windows):
        return -super().forward(windows)


def score_splits(recordings, index, validation):
    """Score with both networks at once."""
    return split_scores.score_splits([Loudness(), Silence()], recordings, index, [validation, validation], "cpu")


@pytest.mark.parametrize("validated", ["val", "train"])
def test_validation_rows_carry_night_and_duration_like_test_rows(tmp_path, validated):
    np.save(tmp_path / "features.npy", np.arange(8, dtype=np.float16).reshape(4, 2))
    recordings = pd.DataFrame({"file_path": list("abcd"), "split": ["train", "val", "test_iid", "test_ood"]}).assign(
        label="positive", group="r@2025-03-01", duration_s=60.0,
        **dict.fromkeys(("quality", "call_type", "site", "recorder_id", "date", "night"), "x"),
    )  # fmt: skip
    index = pd.DataFrame({"file_path": list("abcd"), "start_s": 0.0, "end_s": 3.0, "row": range(4)})
    index = index.assign(array=str(tmp_path / "features.npy"))
    validation = recordings[recordings.split == validated][["file_path"]]
    validation = validation.assign(confidence=0.5, start_s=0.0, end_s=3.0, label=1)
    scores = score_splits(recordings, index, validation)[0].set_index("split")
    assert list(scores.index) == ["val", "test_iid", "test_ood"]
    assert (scores.group == "r@2025-03-01").all() and (scores.duration_s == 60).all()
    metrics = evaluation.measure_splits(scores.reset_index(), EvaluationSettings(0.9, 10, HIGHEST_F1))
    assert metrics.false_positives_per_hour.notna().all()


def test_each_detector_of_an_arm_scores_the_same_files_by_itself(tmp_path):
    np.save(tmp_path / "features.npy", np.arange(8, dtype=np.float16).reshape(4, 2))
    recordings = pd.DataFrame({"file_path": list("abcd"), "split": ["val", *["test_ood"] * 3]}).assign(
        label="positive", group="r@2025-03-01", duration_s=60.0,
        **dict.fromkeys(("quality", "call_type", "site", "recorder_id", "date", "night"), "x"),
    )  # fmt: skip
    index = pd.DataFrame({"file_path": list("abcd"), "start_s": 0.0, "end_s": 3.0, "row": range(4)})
    index = index.assign(array=str(tmp_path / "features.npy"))
    validation = pd.DataFrame({"file_path": ["a"], "confidence": 0.5, "start_s": 0.0, "end_s": 3.0, "label": 1})
    loud, silent = (scores.set_index("file_path").confidence for scores in score_splits(recordings, index, validation))
    assert loud["d"] == pytest.approx(1 / (1 + np.exp(-6.5))) and silent["d"] == pytest.approx(1 - loud["d"], abs=1e-6)
    assert sorted(loud.index) == sorted(silent.index) == list("abcd")


def test_the_held_out_pool_is_scored_and_the_rest_of_the_pool_is_not(tmp_path):
    np.save(tmp_path / "features.npy", np.arange(8, dtype=np.float16).reshape(4, 2))
    recordings = pd.DataFrame({"file_path": list("abcd"), "split": ["val", "test_ood", "pool", "test_pool"]}).assign(
        label="negative", group="r@2025-03-01", duration_s=60.0,
        **dict.fromkeys(("quality", "call_type", "site", "recorder_id", "date", "night"), "x"),
    )  # fmt: skip
    index = pd.DataFrame({"file_path": list("abcd"), "start_s": 0.0, "end_s": 3.0, "row": range(4)})
    index = index.assign(array=str(tmp_path / "features.npy"))
    for name, part in (("labelled", slice(0, 2)), ("pool", slice(2, 4))):
        recordings[part].to_parquet(tmp_path / f"{name}.parquet")
        index[part].to_parquet(tmp_path / f"{name}_index.parquet")
    files = split_scores.read_test_files(
        *(str(tmp_path / name) for name in ("labelled.parquet", "labelled_index.parquet")),
        *(str(tmp_path / name) for name in ("pool.parquet", "pool_index.parquet")),
    )
    validation = pd.DataFrame({"file_path": ["a"], "confidence": 0.5, "start_s": 0.0, "end_s": 3.0, "label": 0})
    scores = score_splits(*files, validation)[0]
    assert dict(zip(scores.file_path, scores.split, strict=True)) == {"a": "val", "b": "test_ood", "d": "test_pool"}


@pytest.mark.parametrize("cluster", CLUSTER_COLUMNS)
def test_scored_files_have_the_columns_that_name_what_is_resampled_together(cluster):
    assert set(CLUSTER_COLUMNS[cluster]) <= set(split_scores.RECORDING_COLUMNS)
