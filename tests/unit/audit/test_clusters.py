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
    assert list(result.cluster) == [1 if number % 4 == 0 else 0 for number in range(40)]
    read = []
    monkeypatch.setattr(store, "load", lambda table: read.append(len(table)) or windows[table["row"]])
    monkeypatch.setattr(store, "PART_WINDOWS", 7)
    in_parts = clusters.cluster_files(scores, scores.assign(row=range(40)), count=2, seed=1)
    assert max(read) == 7 and sum(read) == 40, "a pool is read in parts"
    pd.testing.assert_frame_equal(in_parts, result)
    composition = clusters.describe_tier_clusters({"top": scores.head(20)}, result)[0]
    assert composition.clusters == 2
    assert [(row.cluster, row.files, row.share) for row in composition.largest] == [
        (0, 15, 0.75),
        (1, 5, 0.25),
    ]
