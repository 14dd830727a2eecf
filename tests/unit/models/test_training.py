import dataclasses
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from training_defaults import TRAINING

from hardneg.common.errors import InputError
from hardneg.models.batches import TrainingWindows
from hardneg.models.inference import predict_confidences
from hardneg.models.training import train, warm_up_and_decay
from hardneg.models.training_settings import TrainingSettings

SCHEMA = Path(__file__).parents[3] / "workflow" / "schemas" / "config.schema.yaml"


def blips(count, seed):
    """Noise in dB; the odd ones contain a bright spot."""
    rng = np.random.default_rng(seed)
    windows = rng.normal(-40, 5, (count, 32, 40))
    labels = np.arange(count) % 2
    for window in np.flatnonzero(labels):
        row, column = rng.integers(4, 12), rng.integers(5, 35)
        windows[window, row : row + 4, column : column + 4] += 25
    return windows.astype(np.float16), labels


def as_training_windows(windows, labels, mined=0):
    """Name each window by its position; the last `mined` windows are mined negatives."""
    origin = np.where(np.arange(len(labels)) < len(labels) - mined, "labelled", "mined")
    names = [f"{n}.wav" for n in range(len(labels))]
    table = pd.DataFrame({"file_path": names, "start_s": 0.0, "label": labels, "origin": origin})
    return TrainingWindows.from_table(windows, table)


def trained(seed, mined=0, name="this detector", **more):
    windows, labels = blips(160, 0)
    if mined:
        windows = np.concatenate([windows, blips(2 * mined, 5)[0][::2]])
        labels = np.append(labels, np.zeros(mined, int))
    held_out, held_labels = blips(60, 1)
    index = pd.DataFrame(
        {"file_path": [f"{n}.wav" for n in range(60)], "start_s": 0.0, "end_s": 3.0, "label": held_labels}
    )
    settings = TrainingSettings.from_config(TRAINING | more)
    return train(as_training_windows(windows, labels, mined), held_out, index, settings, seed, "cpu", name=name)


def test_each_training_key_of_the_configuration_is_a_field_and_in_the_same_order():
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    fields = [field.name for field in dataclasses.fields(TrainingSettings)]
    assert fields == list(schema["properties"]["training"]["properties"])


def test_the_same_seed_gives_the_same_scores_and_another_seed_others():
    first, second, other = (trained(seed).validation_scores.sort_values("file_path") for seed in (1, 1, 2))
    assert list(first.confidence) == list(second.confidence)
    assert list(first.confidence) != list(other.confidence)


def test_a_detector_learns_what_there_is_to_learn():
    result = trained(3, epochs=12, label_smoothing=0, mixup=0)
    assert result.history.validation_average_precision.max() > 0.95
    assert result.history.loss.iloc[-1] < result.history.loss.iloc[0]


@pytest.mark.parametrize("keep_epoch", ["last", "best"])
def test_the_kept_weights_are_those_that_scored_the_validation_files(keep_epoch):
    result = trained(1, epochs=8, keep_epoch=keep_epoch, epoch_measure="loss", learning_rate=0.1)
    held_out, _ = blips(60, 1)
    scores = predict_confidences(result.network, held_out, "cpu")
    confidence_of = result.validation_scores.set_index("file_path").confidence
    np.testing.assert_allclose(scores, [confidence_of[f"{n}.wav"] for n in range(60)], rtol=1e-6)
    expected = 8 if keep_epoch == "last" else result.history.validation_loss.idxmin() + 1
    assert result.kept_epoch == expected
    assert list(result.history.epoch[result.history.kept]) == [expected]


def test_training_stops_when_validation_no_longer_improves():
    result = trained(1, epochs=40, patience=2, min_epochs=4, learning_rate=0.3, epoch_measure="loss")
    assert 4 <= len(result.history) < 40


def test_the_average_of_the_weights_is_smoother_than_the_weights():
    plain, averaged = (trained(1, epochs=4, learning_rate=0.05, ema=ema).history for ema in (0, 0.9))
    assert list(plain.loss) == list(averaged.loss), "the average does not take part in the training"
    assert list(plain.validation_loss) != list(averaged.validation_loss)


def test_augmentation_changes_the_training_and_is_the_same_for_all_runs_of_a_seed():
    off = TRAINING["augmentation"]
    strengths = off | {"time_shift": 0.5, "gain_db": 10, "time_mask": 0.2}
    plain, augmented, again = (
        trained(1, epochs=2, augmentation=augmentation) for augmentation in (off, strengths, strengths)
    )
    assert list(augmented.history.loss) == list(again.history.loss)
    assert list(augmented.history.loss) != list(plain.history.loss)


def faint_files():
    """Positive files of four windows, of which one has a bright spot, and as many negative files without one."""
    windows, labels = blips(128, 0)
    spots, noise = windows[labels == 1], windows[labels == 0]
    calls = np.arange(48) % 4 == 2
    positives = np.where(calls[:, None, None], spots[:48], noise[:48])
    names = [f"p{n // 4}.wav" for n in range(48)] + [f"n{n}.wav" for n in range(64)]
    table = pd.DataFrame({"file_path": names, "start_s": [*np.arange(48) % 4, *np.zeros(64)], "origin": "labelled"})
    table["label"] = (np.arange(112) < 48).astype(int)
    return TrainingWindows.from_table(np.concatenate([positives, noise]), table), calls


@pytest.mark.parametrize("weak_labels", ["all", "max", "two_pass"])
def test_windows_of_a_positive_file_without_a_call_are_hardly_trained_on_unless_all_are(weak_labels):
    windows, calls = faint_files()
    held_out, labels = blips(40, 1)
    index = pd.DataFrame({"file_path": [f"{n}.wav" for n in range(40)], "start_s": 0.0, "end_s": 3.0, "label": labels})
    changes = {"weak_labels": weak_labels, "balance": "batches", "epochs": 8, "mixup": 0, "label_smoothing": 0}
    settings = TrainingSettings.from_config(TRAINING | changes)
    result = train(windows, held_out, index, settings, 1, "cpu")
    draws = result.draws[:48]
    assert len(result.draws) == len(windows)
    if weak_labels == "all":
        assert draws[calls].mean() == pytest.approx(draws[~calls].mean(), abs=1)
    else:
        assert draws[calls].mean() > 2 * draws[~calls].mean()
        assert all(draws[4 * file : 4 * file + 4].max() > 0 for file in range(12)), "each file keeps a window"


def test_two_passes_choose_the_same_windows_whatever_the_tier():
    windows, _ = faint_files()
    mined = replace(windows, is_mined=np.append(np.zeros(80, bool), np.ones(32, bool)))
    held_out, labels = blips(20, 1)
    index = pd.DataFrame({"file_path": [f"{n}.wav" for n in range(20)], "start_s": 0.0, "end_s": 3.0, "label": labels})
    changes = {"weak_labels": "two_pass", "balance": "batches", "epochs": 6}
    settings = TrainingSettings.from_config(TRAINING | changes)
    arms = [mined.select(~mined.is_mined), mined]
    draws = [train(arm, held_out, index, settings, 1, "cpu").draws[:48] > 0 for arm in arms]
    assert np.array_equal(*draws) and not draws[0].all()


def test_a_training_without_the_background_that_it_asks_for_is_an_error():
    with pytest.raises(ValueError, match="background 'labelled' does not fit"):
        trained(1, augmentation=TRAINING["augmentation"] | {"background": "labelled"})


def test_a_training_that_diverges_is_named_with_its_epoch_and_learning_rate():
    with pytest.raises(InputError, match=r"the training of seed 5 diverged: in epoch 1, at a learning rate of 9.6e"):
        trained(5, learning_rate=1e30, warmup_fraction=0, name="seed 5")


def test_a_training_that_learns_nothing_is_diagnosed(caplog):
    result = trained(1, epochs=2, learning_rate=1e-12, ema=0, name="seed 1")
    assert result.diagnosis
    assert f"the training of seed 1 failed: the detector {result.diagnosis}" in caplog.text
    assert trained(3, epochs=12, label_smoothing=0, mixup=0).diagnosis == ""


def test_a_training_job_imports_neither_the_compiler_nor_scikit_learn():
    code = (
        "import sys, test_training; from hardneg.experiments import split_scores, training_run; test_training.trained(1, epochs=1);"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'sklearn', 'scipy'}), 'torch._dynamo' in sys.modules)"
    )
    completed = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}, capture_output=True, text=True, check=True
    )
    assert completed.stdout.strip() == "[] False"


@pytest.mark.parametrize("balance", ["batches", "weights", "none"])
def test_a_tier_changes_neither_the_number_of_steps_nor_the_network_at_the_start(balance):
    without, with_tier = (trained(1, mined, balance=balance, learning_rate=1e-30) for mined in (0, 40))
    assert with_tier.steps == without.steps == 6 * 10
    first, second = (dict(result.network.state_dict()) for result in (without, with_tier))
    weights = [name for name in first if "running" not in name and "tracked" not in name]
    for name in weights:
        torch.testing.assert_close(first[name], second[name], rtol=0, atol=1e-20)
    assert trained(1, 40, balance=balance, epochs=1, epoch_size="all").steps == 13


def test_the_learning_rate_warms_up_and_falls_to_nothing():
    factors = [warm_up_and_decay(step, 10, 100) for step in range(101)]
    assert factors[0] == pytest.approx(0.1) and max(factors) == factors[9] == 1 and factors[100] == pytest.approx(0)
    assert np.all(np.diff(factors[10:]) <= 0)
