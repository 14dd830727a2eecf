from dataclasses import fields

import pandas as pd

from hardneg.common import tables
from hardneg.experiments.evaluation import EvaluationSettings
from hardneg.experiments.run_description import RunCounts, RunDescription
from hardneg.experiments.run_tables import collect_runs
from hardneg.models.thresholds import HIGHEST_F1, ThresholdRule


def write_run(folder, seed, confidences):
    """Write the description and the scores of a run: two positives and two negatives in each split."""
    folder.mkdir()
    counts = {field.name: "" if field.type is str else seed for field in fields(RunCounts)}
    description = RunDescription({"negative_tier": "hard", "seed": seed}, {}, {}, (2,), RunCounts(**counts), {})
    tables.write_json(description.to_json(), folder / "model.json")
    scores = pd.DataFrame({"split": ["val"] * 4 + ["test_ood"] * 4, "label": [1, 1, 0, 0] * 2, "duration_s": 3.0})
    scores = scores.assign(confidence=confidences * 2, recorder_id="r", quality="high")
    tables.write(scores, folder / "scores.parquet")


def collect(folder, confidences, rule=HIGHEST_F1):
    runs = [{"negative_tier": "hard", "seed": str(seed)} for seed in confidences]
    folders = [folder / str(seed) for seed in confidences]
    for run_folder, (seed, values) in zip(folders, confidences.items(), strict=True):
        write_run(run_folder, seed, values)
    settings = EvaluationSettings(precision=0.9, calibration_bins=10, rule=rule)
    paths = ([run_folder / name for run_folder in folders] for name in ("scores.parquet", "model.json"))
    return collect_runs(*paths, runs, settings)


def test_each_run_is_measured_at_its_own_threshold_beside_what_it_was_trained_on(tmp_path):
    collected = collect(tmp_path, {1: [0.9, 0.8, 0.3, 0.2], 2: [0.9, 0.1, 0.3, 0.2]})
    tested = collected.runs[collected.runs.split == "test_ood"].set_index("seed")
    assert tested.threshold.round(3).to_dict() == {1: 0.55, 2: 0.6}
    assert tested.recall.to_dict() == {1: 1.0, 2: 0.5}
    assert tested.kept_epoch.to_dict() == {1: 1, 2: 2}, "each row has the counts of its own run"
    breakdown = collected.breakdown[collected.breakdown.by == "recorder_id"].set_index("seed")
    assert breakdown.tp.to_dict() == {"1": 2, "2": 1}
    assert list(collected.breakdown.columns[:2]) == ["negative_tier", "seed"]


def test_the_threshold_follows_the_configured_rule(tmp_path):
    collected = collect(tmp_path, {1: [0.9, 0.1, 0.3, 0.2]}, ThresholdRule("recall", 1.0))
    assert (collected.runs.recall == 1).all() and (collected.runs.fp == 2).all()
