import numpy as np
import pandas as pd
import pytest
import torch
from training_defaults import TRAINING as DEFAULTS

from hardneg.models import checkpoints, networks
from hardneg.models.batches import TrainingWindows
from hardneg.models.inference import predict_confidences
from hardneg.models.training import train
from hardneg.models.training_settings import TrainingSettings

TRAINING = DEFAULTS | {"model": "head", "channels": [8], "epochs": 30}


def embeddings(count, seed, positives=0.5):
    """Sparse, positive numbers, as a network's pooled activations are; the positives are larger in three of them."""
    rng = np.random.default_rng(seed)
    made = np.maximum(rng.normal(-0.5, 1, (count, 64)), 0)
    labels = (np.arange(count) < positives * count).astype(int)
    made[labels == 1, :3] += 1.5
    return made.astype(np.float16), labels


def trained(**more):
    held_out, labels = embeddings(80, 1)
    index = pd.DataFrame({"file_path": [f"{n}.wav" for n in range(80)], "start_s": 0.0, "end_s": 3.0, "label": labels})
    windows, train_labels = embeddings(200, 0, 0.2)
    names = pd.DataFrame({"file_path": [f"{n}.wav" for n in range(200)], "start_s": 0.0, "label": train_labels})
    training_windows = TrainingWindows.from_table(windows, names.assign(origin="labelled"))
    return train(training_windows, held_out, index, TrainingSettings.from_config(TRAINING | more), 1, "cpu")


@pytest.mark.parametrize("more", [{}, {"hidden_units": 16, "focal_gamma": 2.0}, {"upsampling": "smote"}])
def test_a_head_learns_from_embeddings(more):
    result = trained(**more)
    assert result.history.validation_average_precision.max() > 0.9


def test_a_linear_head_has_one_weight_per_number_and_a_hidden_layer_more():
    linear, hidden = (networks.build("head", [8], units, 0.1, shape=(64,)) for units in (0, 16))
    assert sum(weight.numel() for weight in linear.parameters()) == 64 + 1
    assert sum(weight.numel() for weight in hidden.parameters()) == 64 * 16 + 16 + 16 + 1


def test_a_head_scores_the_same_when_loaded(tmp_path):
    result = trained(hidden_units=16)
    description = {"training": TRAINING | {"hidden_units": 16}, "input": {}, "shape": [64]}
    checkpoints.save(result.network, description, tmp_path / "m.safetensors")
    loaded = checkpoints.load(tmp_path / "m.safetensors", {})
    windows, _ = embeddings(8, 2)
    np.testing.assert_array_equal(
        predict_confidences(loaded, windows, "cpu"), predict_confidences(result.network, windows, "cpu")
    )


def test_the_scale_of_embeddings_does_not_change_the_scores():
    small, large = (networks.build("head", [8], 0, 0.0, shape=(64,)).eval() for _ in range(2))
    large.load_state_dict(small.state_dict())
    made = torch.from_numpy(embeddings(40, 0)[0])
    small.standardize(made)
    large.standardize(made.float() * 100)
    torch.testing.assert_close(large(made.float() * 100), small(made))
