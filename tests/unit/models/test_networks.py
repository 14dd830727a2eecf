import numpy as np
import pandas as pd
import pytest
import torch

from hardneg.models import checkpoints, networks
from hardneg.models.dropout import Dropout
from hardneg.models.inference import predict_confidences
from hardneg.models.training import train
from hardneg.models.training_settings import TrainingSettings
from hardneg.models.upsampling import MODES, upsample

TRAINING = {
    "model": "head", "channels": [8], "hidden_units": 0, "dropout": 0.1, "epochs": 30, "patience": 30, "batch_size": 16,
    "learning_rate": 0.01, "weight_decay": 0.01, "warmup_fraction": 0.1, "mixup": 0.2, "label_smoothing": 0.1,
    "focal_gamma": 0, "balance": False, "upsampling": "none", "upsampling_ratio": 1.0, "internal_fraction": 0.2,
}  # fmt: skip


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
    return train(*embeddings(200, 0, 0.2), held_out, index, TrainingSettings(**TRAINING | more), 1, "cpu")


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
    loaded, _ = checkpoints.load(tmp_path / "m.safetensors", {})
    windows, _ = embeddings(8, 2)
    np.testing.assert_array_equal(
        predict_confidences(loaded, windows, "cpu"), predict_confidences(result.network, windows, "cpu")
    )


def test_the_scale_of_embeddings_is_of_no_account():
    small, large = (networks.build("head", [8], 0, 0.0, shape=(64,)).eval() for _ in range(2))
    large.load_state_dict(small.state_dict())
    made = torch.from_numpy(embeddings(40, 0)[0])
    small.standardize(made)
    large.standardize(made.float() * 100)
    torch.testing.assert_close(large(made.float() * 100), small(made))


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "none"])
@pytest.mark.parametrize("smaller", [0, 1])
def test_the_smaller_class_is_filled_up_to_the_ratio_and_the_given_windows_stay(mode, smaller):
    windows, labels = embeddings(100, 0, 0.1)
    labels = labels if smaller else 1 - labels
    filled, marks = upsample(windows, labels, mode, 0.5, np.random.default_rng(0))
    assert (marks == smaller).sum() == 45 and (marks != smaller).sum() == 90
    np.testing.assert_array_equal(filled[:100], windows)
    assert filled.dtype == windows.dtype and filled.shape == (135, 64)


def test_added_windows_are_what_their_mode_says():
    rng = np.random.default_rng(3)
    # Two tight clusters of the smaller class, far apart.
    members = np.concatenate([rng.normal(0, 0.01, (8, 2)), rng.normal(10, 0.01, (8, 2))])
    windows = np.concatenate([members, rng.normal(50, 1, (200, 2))]).astype(np.float32)
    labels = np.r_[np.ones(16, int), np.zeros(200, int)]
    added = {mode: upsample(windows, labels, mode, 1.0, np.random.default_rng(0))[0][216:] for mode in MODES}
    assert len(added["none"]) == 0
    known = {tuple(row) for row in windows[:16]}
    assert all(tuple(row) in known for row in added["repeat"])
    assert not any(tuple(row) in known for row in added["mean"])
    between = {mode: ((rows > 1) & (rows < 9)).all(axis=1).mean() for mode, rows in added.items() if len(rows)}
    assert between["smote"] == 0, "neighbours are of the same cluster"
    assert between["linear"] > 0.2 and between["mean"] > 0.2
    middles = added["mean"][((added["mean"] > 1) & (added["mean"] < 9)).all(axis=1)]
    np.testing.assert_allclose(middles, 5, atol=0.1)


def test_a_class_that_is_large_enough_or_alone_is_left_as_it_can_be():
    windows, labels = embeddings(100, 0, 0.4)
    assert len(upsample(windows, labels, "linear", 0.5, np.random.default_rng(0))[0]) == 100
    one = np.r_[1, np.zeros(99, int)]
    filled, marks = upsample(windows, one, "smote", 0.1, np.random.default_rng(0))
    assert marks.sum() == 10 and (filled[marks == 1] == windows[0]).all()


@pytest.mark.parametrize("share", [0.0, 0.25, 0.1, 0.9])
def test_dropout_drops_its_share_at_random_and_keeps_the_mean(share):
    torch.manual_seed(3)
    dropout, ones = Dropout(share), torch.ones(333, 1021, requires_grad=True)
    dropped = dropout(ones)
    mask = dropped.detach() > 0
    assert mask.float().mean().item() == pytest.approx(1 - share, abs=0.004)
    assert dropped.mean().item() == pytest.approx(1, abs=0.02)
    assert mask.float().mean(0).std() == pytest.approx(
        (share * (1 - share) / 333) ** 0.5, rel=0.1, abs=1e-6
    )  # no pattern
    assert dropped[mask].unique().numel() == 1
    dropped.sum().backward()
    assert torch.equal(ones.grad, dropped.detach())
    assert not torch.equal(dropout(ones), dropped) or not share
    torch.manual_seed(3)
    assert torch.equal(dropout(ones), dropped)
    assert dropout.eval()(ones) is ones
