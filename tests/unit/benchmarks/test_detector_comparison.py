"""Detectors are compared on the same files, and finished measurements are kept."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import yaml
from paths import ROOT

from hardneg import configuration
from hardneg.benchmarks import compared_detectors, detector_comparison
from hardneg.benchmarks.compared_detectors import Data, Duration, Measurement
from hardneg.common import tables

SPLITS = ("train", "val", "test_iid", "test_ood")
FILES, WINDOWS, SIZE = 12, 2, 16
NO_TIME = Duration(cpu_s=1, wall_s=1)


def make_measurement(detector, seed, precision, cpu_s=10):
    ranking = {split: {"average_precision": precision, "auroc": 0.5} for split in ("test_ood", "test_iid")}
    return Measurement(detector, seed, Duration(cpu_s, 2 * cpu_s), 100, ranking)


@pytest.fixture
def data(tmp_path):
    """Files of two windows. The first number of a positive file's first window is high, the rest is noise."""
    split = np.repeat(SPLITS, FILES)
    positive = np.arange(len(split)) % 2 == 0
    labelled = pd.DataFrame(
        {"file_path": [f"{number}.wav" for number in range(len(split))], "split": split, "duration_s": 6.0}
    ).assign(
        label=np.where(positive, "positive", "negative"), group=[f"n{number}" for number in range(len(split))],
        quality="high", call_type="", site="s", recorder_id="r", date="", night="",
    )  # fmt: skip
    index = labelled[["file_path"]].loc[labelled.index.repeat(WINDOWS)].reset_index(drop=True)
    index["start_s"] = np.tile([0.0, 3.0], len(split))
    index["end_s"] = index.start_s + 3
    index["row"], index["array"] = range(len(index)), str(tmp_path / "features.npy")
    features = np.random.default_rng(1).normal(0, 0.1, (len(index), SIZE))
    features[::WINDOWS, 0] += 5 * positive
    np.save(tmp_path / "features.npy", features.astype(np.float16))
    tables.write(labelled, tmp_path / "labelled.parquet")
    tables.write(index, tmp_path / "index.parquet")
    positives = labelled[positive & (split == "train")][["file_path"]].assign(start_s=np.nan)
    tables.write(positives, tmp_path / "positives.csv")
    config = yaml.safe_load((ROOT / "config/anurans_birdnet.yaml").read_text())
    config = configuration.complete(config, ROOT / "workflow/schemas/config.schema.yaml")
    return Data(config, labelled, index, tmp_path, learning=NO_TIME, tests=NO_TIME)


def test_a_finished_measurement_is_not_repeated(tmp_path):
    def measure(detector, seed):
        calls.append((detector, seed))
        return [make_measurement(detector, seed, 0.5)]

    calls = []
    detector_comparison.measure_missing(tmp_path, ["cnn", "head"], measure)
    (tmp_path / "cnn-456.json").unlink()
    calls.clear()
    detector_comparison.measure_missing(tmp_path, ["cnn", "head"], measure)
    assert calls == [("cnn", 456)]
    assert len(detector_comparison.read_measurements(tmp_path)) == 2 * len(detector_comparison.SEEDS)


def test_a_measurement_is_read_as_it_was_written(tmp_path):
    measured = make_measurement("cnn", 123, 0.25)
    detector_comparison.measure_missing(tmp_path, ["cnn"], lambda _, seed: [dataclasses.replace(measured, seed=seed)])
    assert detector_comparison.read_measurements(tmp_path)[0] == measured


def test_the_table_has_the_best_detector_first_with_mean_and_range():
    runs = [make_measurement("weak", 1, 0.2), make_measurement("good", 1, 0.6), make_measurement("good", 2, 0.8)]
    rows = detector_comparison.format_table(runs).splitlines()
    assert rows[2].startswith("| good | 0.700 (0.600 to 0.800) | 0.500 |")
    assert rows[2].endswith("| 10 | 20 | 100 |")
    assert rows[3].startswith("| weak | 0.200 |")


def test_logistic_regression_ranks_files_by_their_highest_window(data):
    measured = compared_detectors.measure_logistic_regression("logistic regression", data, seed=1)
    assert measured.ranking["test_ood"]["auroc"] > 0.9
    assert measured.training.cpu_s > NO_TIME.cpu_s  # features count
    assert "C = " in measured.note


def test_a_head_is_measured_on_both_test_splits(data):
    training = data.config["training"] | {"epochs": 20, "learning_rate": 0.01, "hidden_units": 0}
    data = dataclasses.replace(data, config=data.config | {"training": training})
    measured = compared_detectors.measure_network("head", data, seed=1)
    assert measured.ranking["test_ood"]["auroc"] == measured.ranking["test_iid"]["auroc"] == 1
    assert 0 < measured.windows_per_cpu_s < data.test_windows / NO_TIME.cpu_s  # features count here too


def test_opensoundscape_receives_every_window_with_its_label_and_split(data):
    windows = compared_detectors.list_windows(data, "/audio")
    assert len(windows) == len(SPLITS) * FILES * WINDOWS
    assert list(windows.iloc[3]) == ["/audio/1.wav", 3.0, 6.0, 0, "train"]
    assert windows[windows.split == "test_ood"].label.mean() == 0.5


def test_opensoundscapes_best_and_last_weights_are_measured_by_file(data, tmp_path):
    # A program that takes the place of the other environment's Python: its scores have one high window per positive.
    python = tmp_path / "python"
    python.write_text(
        "#!/usr/bin/env python3\n"
        "import csv, json, sys\n"
        "windows, scores, times = sys.argv[5:8]\n"
        "rows = [row for row in csv.DictReader(open(windows)) if row['split'].startswith('test_')]\n"
        "writer = csv.writer(open(scores, 'w'))\n"
        "writer.writerow(['file', 'split', 'label', 'confidence', 'weights'])\n"
        "for weights, sign in [('best', 1), ('last', -1)]:\n"
        "    for row in rows:\n"
        "        score = 0.5 + sign * 0.4 * int(row['label']) * (row['start_time'] == '0.0')\n"
        "        writer.writerow([row['file'], row['split'], row['label'], score, weights])\n"
        "json.dump({'training_cpu_s': 5, 'training_s': 7, 'prediction_cpu_s': 2, 'best_step': 3,\n"
        "    'versions': {'opensoundscape': '0'}}, open(times, 'w'))\n"
    )
    python.chmod(0o755)
    best, last = compared_detectors.measure_opensoundscape(data, "/audio", seed=1, steps=4, python=python)
    assert best.ranking["test_ood"]["auroc"] == 1
    assert last.ranking["test_ood"]["auroc"] == 0.5  # the other window of each positive file decides
    assert best.training == Duration(cpu_s=5, wall_s=7)
    assert best.windows_per_cpu_s == 2 * FILES * WINDOWS / 2
