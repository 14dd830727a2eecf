import numpy as np
import pandas as pd

from hardneg.audit import clusters
from hardneg.features import store


def test_similar_sounds_are_in_one_cluster_at_any_time_within_the_window(monkeypatch):
    rng = np.random.default_rng(2)
    windows = rng.normal(-80, 1, (40, 32, 128)).astype(np.float32)
    for number in range(40):
        period, band = (16, 4) if number % 4 == 0 else (8, 20)  # a slow drip in a low band, a fast one in a high
        windows[number, band : band + 4, rng.integers(period) :: period] += 40
    monkeypatch.setattr(store, "load", lambda table: windows[table["row"]])
    scores = pd.DataFrame({"file_path": [f"{n:02d}" for n in range(40)], "start_s": 0.0})
    result = clusters.cluster_files(scores, scores.assign(row=range(40)), count=2, seed=1)
    assert list(result.mined.cluster) == [1 if number % 4 == 0 else 0 for number in range(40)]
    read = []
    monkeypatch.setattr(store, "load", lambda table: read.append(len(table)) or windows[table["row"]])
    monkeypatch.setattr(store, "PART_WINDOWS", 7)
    in_parts = clusters.cluster_files(scores, scores.assign(row=range(40)), count=2, seed=1)
    assert max(read) == 7 and sum(read) == 40, "a pool is read in parts"
    pd.testing.assert_frame_equal(in_parts.mined, result.mined)
    composition = clusters.describe_tier_clusters({"top": scores.head(20)}, result.mined)[0]
    assert composition.clusters == 2
    assert [(row.cluster, row.files, row.share) for row in composition.largest] == [
        (0, 15, 0.75),
        (1, 5, 0.25),
    ]


def test_files_held_out_of_the_pool_join_the_nearest_cluster_and_move_none(monkeypatch):
    windows = np.zeros((12, 8, 16), np.float32)
    windows[:8, 2, ::2], windows[8:, 5, ::4] = 40, 40
    monkeypatch.setattr(store, "load", lambda table: windows[table["row"]])
    files = pd.DataFrame({"file_path": [f"{n:02d}" for n in range(12)], "start_s": 0.0})
    index = files.assign(row=range(12))
    mined, held_out = files.iloc[[0, 1, 2, 8, 9]], files.iloc[[11, 3]]
    alone = clusters.cluster_files(mined, index, count=2, seed=1)
    both = clusters.cluster_files(mined, index, count=2, seed=1, held_out=held_out)
    pd.testing.assert_frame_equal(alone.mined, both.mined)
    assert both.held_out[["file_path", "cluster", "start_s"]].to_numpy().tolist() == [["11", 1, 0.0], ["03", 0, 0.0]]
    assert alone.held_out.empty
