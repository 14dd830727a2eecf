import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from hardneg.models.inference import predict_confidences
from hardneg.models.training import draw_batches, mix_up, train, warm_up_and_decay
from hardneg.models.training_settings import TrainingSettings

SCHEMA = Path(__file__).parents[3] / "workflow" / "schemas" / "config.schema.yaml"
TRAINING = {
    "model": "cnn", "channels": [8, 16], "hidden_units": 0, "dropout": 0.1, "epochs": 6, "patience": 6, "batch_size": 16,
    "learning_rate": 0.01, "weight_decay": 0.01, "warmup_fraction": 0.1, "mixup": 0.2, "label_smoothing": 0.1,
    "focal_gamma": 0, "balance": False, "upsampling": "none", "upsampling_ratio": 1.0, "internal_fraction": 0.2,
}  # fmt: skip


def blips(count, seed):
    """Noise in dB; the odd ones contain a bright spot."""
    rng = np.random.default_rng(seed)
    windows = rng.normal(-40, 5, (count, 32, 40))
    labels = np.arange(count) % 2
    for window in np.flatnonzero(labels):
        row, column = rng.integers(4, 12), rng.integers(5, 35)
        windows[window, row : row + 4, column : column + 4] += 25
    return windows.astype(np.float16), labels


def trained(seed, **more):
    windows, labels = blips(160, 0)
    held_out, held_labels = blips(60, 1)
    index = pd.DataFrame(
        {"file_path": [f"{n}.wav" for n in range(60)], "start_s": 0.0, "end_s": 3.0, "label": held_labels}
    )
    return train(windows, labels, held_out, index, TrainingSettings(**TRAINING | more), seed, "cpu")


def test_each_training_key_of_the_configuration_is_a_field_and_in_the_same_order():
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    fields = [field.name for field in dataclasses.fields(TrainingSettings)]
    assert fields == list(schema["properties"]["training"]["properties"])


def test_the_same_seed_gives_the_same_scores_and_another_seed_others():
    first, second, other = (trained(seed).validation_scores.sort_values("file_path") for seed in (1, 1, 2))
    assert list(first.confidence) == list(second.confidence)
    assert list(first.confidence) != list(other.confidence)


def test_a_detector_learns_what_there_is_to_learn():
    result = trained(3, epochs=12, patience=12, label_smoothing=0, mixup=0)
    assert result.history.validation_average_precision.max() > 0.95
    assert result.history.loss.iloc[-1] < result.history.loss.iloc[0]


def test_the_kept_weights_are_those_of_the_best_epoch():
    result = trained(1)
    best = result.history.validation_average_precision.idxmax() + 1
    held_out, _ = blips(60, 1)
    scores = predict_confidences(result.network, held_out, "cpu")
    confidence_of = result.validation_scores.set_index("file_path").confidence
    assert result.best_epoch == best
    np.testing.assert_allclose(scores, [confidence_of[f"{n}.wav"] for n in range(60)], rtol=1e-6)


def test_training_stops_when_validation_no_longer_improves():
    result = trained(1, epochs=40, patience=2, learning_rate=1e-12)
    assert len(result.history) < 40


def test_a_training_job_imports_neither_the_compiler_nor_scikit_learn():
    code = (
        "import sys, test_training; from hardneg.experiments import evaluation, training_run; test_training.trained(1, epochs=1);"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'sklearn', 'scipy'}), 'torch._dynamo' in sys.modules)"
    )
    completed = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}, capture_output=True, text=True, check=True
    )
    assert completed.stdout.strip() == "[] False"


def test_mixup_blends_windows_and_targets_alike():
    windows, targets = torch.eye(4), torch.tensor([0.0, 1.0, 0.0, 1.0])
    (batch,) = draw_batches(4, 1, 0.4, np.random.default_rng(0), "cpu")
    mixed, goal = mix_up(windows, targets, batch.partners, batch.shares)
    torch.testing.assert_close(mixed @ targets, goal)
    torch.testing.assert_close(mixed.sum(dim=1), torch.ones(4))
    assert not torch.equal(mixed, windows)
    assert batch.shares.min() >= 0.5, "a window is the larger part of its own blend"


def test_an_epoch_assigns_each_window_to_one_batch_and_partners_stay_in_it():
    batches = list(draw_batches(100, 7, 0.4, np.random.default_rng(0), "cpu"))
    assert sorted(torch.cat([batch.rows for batch in batches]).tolist()) == list(range(100))
    assert {len(batch.rows) for batch in batches} == {14, 15}
    for batch in batches:
        size = len(batch.rows)
        assert sorted(batch.partners.tolist()) == list(range(size)) and len(batch.shares) == size
    for batch in draw_batches(100, 7, 0, np.random.default_rng(0), "cpu"):
        size = len(batch.rows)
        assert torch.equal(batch.partners, torch.arange(size)) and torch.equal(batch.shares, torch.ones(size))


def test_the_learning_rate_warms_up_and_falls_to_nothing():
    factors = [warm_up_and_decay(step, 10, 100) for step in range(101)]
    assert factors[0] == pytest.approx(0.1) and max(factors) == factors[9] == 1 and factors[100] == pytest.approx(0)
    assert np.all(np.diff(factors[10:]) <= 0)
