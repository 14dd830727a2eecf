import numpy as np
import pandas as pd

from hardneg.common import tables
from hardneg.mining import ranking
from hardneg.models import file_scores


def test_gathering_shards_is_scoring_all_windows_at_once(tmp_path):
    rng = np.random.default_rng(3)
    shards = []
    for shard, files in enumerate([7, 1, 30]):
        path = np.repeat([f"{shard}/{name}.wav" for name in range(files)], 4)
        start = np.tile(np.arange(4) * 3.0, files)
        confidence = rng.integers(0, 20, 4 * files) / 20
        table = pd.DataFrame({"file_path": path, "start_s": start, "end_s": start + 3, "confidence": confidence})
        tables.write(table, tmp_path / f"{shard}.parquet")
        shards.append(tmp_path / f"{shard}.parquet")
    files = ranking.gather_scores(shards, tmp_path / "windows.parquet")
    whole = pd.concat([tables.read(path) for path in shards], ignore_index=True)
    pd.testing.assert_frame_equal(tables.read(tmp_path / "windows.parquet"), whole)
    pd.testing.assert_frame_equal(files, file_scores.score_by_highest_window(whole))


def test_ranked_files_have_their_metadata_and_files_that_are_not_mined_are_dropped():
    files = pd.DataFrame(
        {"file_path": ["held_out.wav", "ü.wav", "gone.wav", "a.wav"], "confidence": [1, 0.9, 0.8, 0.1], "start_s": 0.0}
    )
    metadata = pd.DataFrame(
        {
            "recorder_id": ["r1", "r2", "r3", "r2"],
            "date": ["", "2025-01-01", "", ""],
            "night": "",
            "site": "s",
            "group": "g",
        }
    )
    recordings = metadata.assign(file_path=["a.wav", "ü.wav", "unscored.wav", "held_out.wav"], duration_s=3.0)
    recordings = recordings.assign(split=["pool", "pool", "pool", "test_pool"])
    ranked = ranking.rank_files(files, recordings)
    assert list(zip(ranked.file_path, ranked.confidence, ranked.recorder_id, ranked.date, strict=True)) == [
        ("ü.wav", 0.9, "r2", "2025-01-01"),
        ("a.wav", 0.1, "r1", ""),
    ]
    assert list(ranked.columns) == ["file_path", "confidence", "start_s", *ranking.RECORDING_COLUMNS[1:]]
    assert ranking.rank_files(files.head(0), recordings).empty and ranking.rank_files(files, recordings.head(0)).empty
