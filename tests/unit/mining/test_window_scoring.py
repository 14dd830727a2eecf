import numpy as np
import pandas as pd
import pytest
import torch

from hardneg.common import tables
from hardneg.mining import ranking, window_scoring
from hardneg.models import file_scores, inference, networks


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


def test_gathering_shards_is_scoring_all_windows_at_once(tmp_path):
    rng = np.random.default_rng(3)
    shards = []
    for place, files in enumerate([7, 1, 30]):
        path = np.repeat([f"{place}/{name}.wav" for name in range(files)], 4)
        start = np.tile(np.arange(4) * 3.0, files)
        confidence = rng.integers(0, 20, 4 * files) / 20
        table = pd.DataFrame({"file_path": path, "start_s": start, "end_s": start + 3, "confidence": confidence})
        tables.write(table, tmp_path / f"{place}.parquet")
        shards.append(tmp_path / f"{place}.parquet")
    files = ranking.gather_scores(shards, tmp_path / "windows.parquet")
    whole = pd.concat([tables.read(path) for path in shards], ignore_index=True)
    pd.testing.assert_frame_equal(tables.read(tmp_path / "windows.parquet"), whole)
    pd.testing.assert_frame_equal(files, file_scores.score_by_highest_window(whole))


def test_ranked_files_know_their_recordings_and_strangers_are_left_aside():
    files = pd.DataFrame({"file_path": ["ü.wav", "gone.wav", "a.wav"], "confidence": [0.9, 0.8, 0.1], "start_s": 0.0})
    about = pd.DataFrame({"recorder_id": ["r1", "r2", "r3"], "date": ["", "2025-01-01", ""], "site": "s", "group": "g"})
    recordings = about.assign(file_path=["a.wav", "ü.wav", "unscored.wav"], duration_s=3.0)
    ranked = ranking.rank_files(files, recordings)
    assert list(zip(ranked.file_path, ranked.confidence, ranked.recorder_id, ranked.date, strict=True)) == [
        ("ü.wav", 0.9, "r2", "2025-01-01"),
        ("a.wav", 0.1, "r1", ""),
    ]
    assert list(ranked.columns) == ["file_path", "confidence", "start_s", *ranking.RECORDING_COLUMNS[1:]]
    assert ranking.rank_files(files.head(0), recordings).empty and ranking.rank_files(files, recordings.head(0)).empty
