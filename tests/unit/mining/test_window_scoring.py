import numpy as np
import pandas as pd
import pytest
import torch

from hardneg.mining import ranking, window_scoring
from hardneg.models import inference, networks


@pytest.fixture
def detector():
    """An untrained network whose batch normalizations have seen data, so that they do something."""
    torch.manual_seed(2)
    network = networks.build("cnn", [8, 16], 4, 0.25, (32, 40))
    with torch.no_grad():
        for _ in range(5):
            network(3 * torch.randn(16, 32, 40) - 20)
    return network.eval()


@pytest.fixture
def shard(tmp_path):
    """A shard of 70 windows of 20 files: its index and its array."""
    stored = np.random.default_rng(1).normal(-20, 3, (70, 32, 40)).astype(np.float16)
    np.save(tmp_path / "s.npy", stored)
    start = np.arange(70) % 5 * 3.0
    index = pd.DataFrame({"file_path": [f"{row // 5:02d}.wav" for row in range(70)], "start_s": start})
    return index.assign(end_s=start + 3, row=np.arange(70)), tmp_path / "s.npy"


def test_window_scores_are_the_networks_own_one_window_at_a_time(detector, shard, monkeypatch):
    monkeypatch.setattr(window_scoring, "CHUNK_BATCHES", 1)
    index, path = shard
    with torch.inference_mode():
        logits = [detector(torch.from_numpy(window[None]))[0] for window in np.load(path)]
    expected = torch.sigmoid(torch.stack(logits)).numpy()
    assert expected.std() > 1e-3
    for processes in (1, 3):
        scored = window_scoring.score_windows(detector, index.iloc[::-1], path, "cpu", processes)
        np.testing.assert_allclose(scored.confidence, expected[::-1], atol=1e-6)
    assert list(scored) == ranking.WINDOW_SCORE_COLUMNS


def test_folding_leaves_the_network_itself_and_its_scores_alone(detector):
    windows = torch.randn(4, 32, 40) - 20
    before = {name: tensor.clone() for name, tensor in detector.state_dict().items()}
    with torch.inference_mode():
        np.testing.assert_allclose(inference.fold_batch_norm(detector)(windows), detector(windows), atol=1e-5)
    assert all(torch.equal(tensor, before[name]) for name, tensor in detector.state_dict().items())
