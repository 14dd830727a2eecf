import numpy as np
import pandas as pd
import pytest
import torch

from hardneg.experiments import evaluation
from hardneg.models.thresholds import HIGHEST_F1
from hardneg.recordings.nights import CLUSTER_COLUMNS


def test_the_test_set_is_measured_at_the_validation_threshold_not_its_own():
    scores = pd.DataFrame(
        {
            "split": ["val"] * 4 + ["test_ood"] * 4,
            "label": [1, 1, 0, 0] * 2,
            "confidence": [0.9, 0.8, 0.3, 0.2, 0.5, 0.45, 0.1, 0.05],
            "duration_s": 3.0,
        }
    )
    measured = evaluation.measure_splits(scores, precision=0.9, calibration_bins=10, rule=HIGHEST_F1).set_index("split")
    assert measured.threshold["test_ood"] == measured.threshold["val"] == pytest.approx(0.55)
    assert measured.f1["val"] == 1 and measured.f1["test_ood"] == 0
    assert measured.oracle_f1["test_ood"] == 1


class Loudness(torch.nn.Module):
    """Takes the mean of a window for its logit."""

    def forward(self, windows):
        return windows.float().mean(dim=1)


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
    scores = evaluation.score_splits(Loudness(), recordings, index, validation, "cpu").set_index("split")
    assert list(scores.index) == ["val", "test_iid", "test_ood"]
    assert (scores.group == "r@2025-03-01").all() and (scores.duration_s == 60).all()
    metrics = evaluation.measure_splits(scores.reset_index(), 0.9, 10, HIGHEST_F1)
    assert metrics.false_positives_per_hour.notna().all()


def test_every_run_is_tested_on_what_is_held_out_of_the_pool_beside_the_calls_of_the_test():
    scores = pd.DataFrame(
        {
            "split": ["val"] * 2 + ["test_ood"] * 4 + ["test_pool"] * 4,
            "label": [1, 0, 1, 1, 0, 0, 0, 0, 0, 0],
            "confidence": [0.6, 0.4, 0.9, 0.4, 0.8, 0.7, 0.95, 0.55, 0.3, 0.1],
            "duration_s": 900.0,
        }
    )
    measured = evaluation.measure_splits(scores, precision=0.9, calibration_bins=10, rule=HIGHEST_F1).set_index("split")
    pool = measured.loc["test_pool"]
    assert pool.false_positives_per_hour == 2  # two files of one recorded hour
    assert (pool.files, pool.positives, pool.recall) == (6, 2, measured.recall["test_ood"])


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
    files = evaluation.read_test_files(
        *(str(tmp_path / name) for name in ("labelled.parquet", "labelled_index.parquet")),
        *(str(tmp_path / name) for name in ("pool.parquet", "pool_index.parquet")),
    )
    validation = pd.DataFrame({"file_path": ["a"], "confidence": 0.5, "start_s": 0.0, "end_s": 3.0, "label": 0})
    scores = evaluation.score_splits(Loudness(), *files, validation, "cpu")
    assert dict(zip(scores.file_path, scores.split, strict=True)) == {"a": "val", "b": "test_ood", "d": "test_pool"}


def test_a_breakdown_adds_up_and_keeps_recorders_without_positives():
    scores = pd.DataFrame(
        {
            "split": "test_ood",
            "label": [1, 1, 0, 0],
            "confidence": [0.9, 0.1, 0.8, 0.1],
            "recorder_id": ["a", "a", "a", "b"],
            "quality": ["high", "low", "", ""],
        }
    )
    table = evaluation.break_down_detections(scores, 0.5).set_index(["by", "value"])
    assert table.loc[("recorder_id", "a"), ["files", "positives", "tp", "fp", "recall"]].tolist() == [3, 2, 1, 1, 0.5]
    assert pd.isna(table.loc[("recorder_id", "b"), "recall"])
    assert table.loc["quality"].recall.to_dict() == {"high": 1, "low": 0}


@pytest.mark.parametrize("cluster", CLUSTER_COLUMNS)
def test_scored_files_have_the_columns_that_name_what_is_resampled_together(cluster):
    assert set(CLUSTER_COLUMNS[cluster]) <= set(evaluation.RECORDING_COLUMNS)
