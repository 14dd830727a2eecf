"""Runs whose tier has no file: planned like any other, never trained, and never taken for the run without a tier."""

from dataclasses import asdict

import pandas as pd
import pytest

from hardneg.common import tables
from hardneg.common.errors import InputError
from hardneg.experiments import run_description, run_tables, split_scores, training_run
from hardneg.experiments.evaluation import EvaluationSettings
from hardneg.experiments.run_description import RunCounts, RunDescription
from hardneg.mining.tiers import COLUMNS
from hardneg.models.thresholds import HIGHEST_F1
from hardneg.report import figure_set

AXES = {"positive_subset": "base", "negative_tier": "conf95", "validation": "holdout"}


@pytest.fixture
def left_out(tmp_path):
    """The folder of a run of an empty tier, trained and evaluated by the jobs of any other run."""
    tables.write(pd.DataFrame(columns=COLUMNS), tmp_path / "tier.csv")
    run = tmp_path / "left_out"
    inputs = training_run.RunInputs(
        labelled="no.parquet", positives="no.csv", index="no.parquet", tier=tmp_path / "tier.csv"
    )
    outputs = training_run.RunOutputs(
        weights=run / "model.safetensors", description=run / "model.json", history=run / "history.csv",
        validation_scores=run / "validation_scores.parquet", training_set=run / "training_set.parquet",
    )  # fmt: skip
    settings = training_run.RunSettings(AXES, seed=1, training=None, model_input={})
    training_run.train_run(inputs, outputs, settings, device="cpu")
    inputs = split_scores.ArmInputs([outputs.weights], [outputs.validation_scores], "no.parquet", "no.parquet")
    split_scores.score_arm(inputs, [run / "scores.parquet"], {}, device="cpu")
    return run


@pytest.fixture
def trained(tmp_path):
    """The folder of a run without mined negatives, as far as collecting needs it."""
    run = tmp_path / "trained"
    numbers = dict.fromkeys(RunCounts.__dataclass_fields__, 0) | {
        "labelled_hash": "w1", "training_hash": "w1", "warning": ""
    }  # fmt: skip
    description = RunDescription(
        run=AXES | {"negative_tier": "none", "seed": 1}, model_input={}, training={}, shape=(2,),
        counts=RunCounts(**numbers), versions={"torch": "2"},
    )  # fmt: skip
    tables.write_json(description.to_json(), run / "model.json")
    scores = pd.DataFrame({"split": ["val", "val", "test_iid"], "label": [1, 0, 1], "confidence": [0.9, 0.1, 0.8]})
    tables.write(scores.assign(duration_s=3.0, recorder_id="r", quality="high"), run / "scores.parquet")
    return run


def collect(folders, axes):
    scores, models = ([folder / name for folder in folders] for name in ("scores.parquet", "model.json"))
    return run_tables.collect_runs(scores, models, axes, EvaluationSettings(0.9, 10, HIGHEST_F1))


def test_a_run_of_an_empty_tier_says_so_and_has_complete_tables_without_rows(left_out):
    assert run_description.read_reason_left_out(left_out / "model.json") == "negative tier 'conf95' has no files"
    assert "torch" in run_description.read_versions(left_out / "model.json")
    written = {path.name: tables.read(path) for path in left_out.iterdir() if path.suffix in (".csv", ".parquet")}
    assert set(written) == {
        "history.csv", "validation_scores.parquet", "training_set.parquet", "scores.parquet",
    }  # fmt: skip
    assert all(table.empty and len(table.columns) for table in written.values())


def test_a_run_that_is_left_out_is_in_no_table_and_no_figure(left_out, trained):
    folders, axes = [left_out, trained], [AXES, AXES | {"negative_tier": "none"}]
    collected = collect(folders, axes)
    assert set(collected.runs.negative_tier) == set(collected.breakdown.negative_tier) == {"none"}
    scores = figure_set.read_runs([folder / "scores.parquet" for folder in folders], axes)
    assert set(scores.negative_tier) == {"none"}
    assert scores.label.dtype.kind == "i"


def test_a_matrix_of_empty_tiers_only_is_refused(left_out):
    with pytest.raises(InputError, match="Every run of the matrix is left out because its tier has no file"):
        collect([left_out], [AXES])


def test_a_run_that_is_left_out_cannot_be_exported(left_out):
    with pytest.raises(InputError, match="this run was left out because negative tier 'conf95' has no files"):
        RunDescription.read(left_out / "model.json")


def test_a_trained_run_is_not_left_out(trained):
    assert run_description.read_reason_left_out(trained / "model.json") == ""
    assert asdict(RunDescription.read(trained / "model.json").counts)["labelled_hash"] == "w1"
