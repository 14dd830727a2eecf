import json
import pickle
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from hardneg.common.errors import InputError
from hardneg.models import checkpoints, networks
from hardneg.models.inference import predict_confidences

ARCHITECTURE = {"model": "cnn", "channels": [8, 16], "hidden_units": 4, "dropout": 0.1}
INPUT = {"windows": {"length_s": 3.0}, "features": {"n_mels": 32}}


class Bomb:
    """Leaves a file behind when it is unpickled."""

    def __reduce__(self):
        return (open, ("bombed", "w"))


def poison(path):
    path.write_bytes(pickle.dumps(Bomb()))


def describe(path, **training):
    description = json.loads(path.with_suffix(".json").read_text())
    description["training"] |= training
    path.with_suffix(".json").write_text(json.dumps(description))


def spoil(path):
    weights = load_file(path)
    weights["head.1.weight"][0, 0] = torch.nan
    save_file(weights, path)


@pytest.fixture
def saved(tmp_path):
    network = networks.build(**ARCHITECTURE, shape=(32, 40))
    network.standardize(torch.randn(10, 32, 40) * 5 - 30)
    description = {"training": ARCHITECTURE, "input": INPUT, "shape": [32, 40]}
    checkpoints.save(network, description, tmp_path / "m.safetensors")
    return network.eval(), tmp_path / "m.safetensors"


def test_a_saved_detector_scores_the_same_when_loaded(saved):
    network, path = saved
    windows = np.random.default_rng(0).normal(-40, 5, (8, 32, 40)).astype(np.float16)
    loaded = checkpoints.load(path, INPUT)
    np.testing.assert_array_equal(
        predict_confidences(loaded, windows, "cpu"), predict_confidences(network, windows, "cpu")
    )
    assert json.loads(path.with_suffix(".json").read_text())["training"]["hidden_units"] == 4


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.unlink(), "does not exist"),
        (lambda path: path.with_suffix(".json").unlink(), "does not exist"),
        (lambda path: path.write_bytes(path.read_bytes()[:100]), "not a model that this workflow wrote"),
        (lambda path: path.with_suffix(".json").write_text("{}"), "not a model that this workflow wrote"),
        (lambda path: torch.save({"a": 1}, path), "not a model that this workflow wrote"),
        (lambda path: poison(path), "not a model that this workflow wrote"),
        (lambda path: describe(path, channels=[8, 32]), "not a model that this workflow wrote"),
        (lambda path: describe(path, channels=[200_000, 200_000]), "not a model that this workflow wrote"),
        (lambda path: describe(path, model="transformer"), "not a model that this workflow wrote"),
        (lambda path: spoil(path), "weights that are not finite numbers: head.1.weight"),
    ],
)
def test_a_damaged_checkpoint_is_refused_by_name_and_runs_nothing(saved, damage, message, monkeypatch):
    _, path = saved
    monkeypatch.chdir(path.parent)
    damage(path)
    with pytest.raises(InputError, match=message) as error:
        checkpoints.load(path, INPUT)
    assert str(path) in str(error.value)
    assert not Path("bombed").exists()


def write_a_million_tensors(path):
    header = json.dumps(
        {f"t{number}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for number in range(10**6)}
    )
    path.write_bytes(len(header).to_bytes(8, "little") + header.encode())


def write_a_hundred_gigabytes(path):
    with open(path, "r+b") as file:
        file.truncate(100 << 30)  # takes no space on the disk


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (write_a_million_tensors, r"its list of tensors [\d,]{10,}\. No network of this workflow"),
        (write_a_hundred_gigabytes, r"has 107,374,182,400 bytes.* not loaded"),
        (lambda path: describe(path, channels=[1] * 100_000), "described with 100,000 convolutions"),
        (lambda path: describe(path, note="x" * 2_000_000), r"m\.json has more than 1,048,576 bytes"),
        (lambda path: describe(path, channels=7), "not a model that this workflow wrote"),
        (lambda path: describe(path, channels=[10**30, 1]), "not a model that this workflow wrote"),
        (lambda path: describe(path, hidden_units=10**18), "not a model that this workflow wrote"),
    ],
)
def test_a_model_that_would_fill_the_memory_is_refused_at_once(saved, damage, message, limited_memory):
    _, path = saved
    damage(path)
    begin = time.monotonic()
    with limited_memory(1 << 30), pytest.raises(InputError, match=message):
        checkpoints.load(path, INPUT)
    assert time.monotonic() - begin < 5


def test_a_model_of_other_windows_is_refused(saved):
    with pytest.raises(InputError, match="Set windows and features to those of the model"):
        checkpoints.load(saved[1], INPUT | {"windows": {"length_s": 5.0}})


def test_weights_that_give_no_numbers_are_blamed_instead_of_a_recording(saved):
    _, path = saved
    weights = load_file(path)
    weights["body.0.weight"] += 3e38
    save_file(weights, path)
    windows = np.random.default_rng(0).normal(-40, 5, (8, 32, 40)).astype(np.float16)
    with pytest.raises(
        InputError, match=r"m\.safetensors gives confidences that are not numbers, although the features"
    ):
        predict_confidences(checkpoints.load(path, INPUT), windows, "cpu")


def test_features_that_are_not_finite_are_blamed_instead_of_the_weights(saved):
    network, _ = saved
    windows = np.full((2, 32, 40), np.nan, np.float16)
    with pytest.raises(InputError, match="features contain values that are not finite"):
        predict_confidences(network, windows, "cpu")
