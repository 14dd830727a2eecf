import pandas as pd
import pytest

from hardneg.statistics import scored_files
from hardneg.statistics.scored_files import ScoredFiles


@pytest.fixture
def files():
    return pd.DataFrame(
        {
            "split": ["test_ood", "val", "test_ood"],
            "file_path": ["b.wav", "c.wav", "a.wav"],
            "label": [1, 1, 0],
            "confidence": [0.9, 0.5, 0.2],
            "group": ["r2@2025-02-01", "r1@2025-02-01", "r1@2025-02-02"],
            "duration_s": [3600.0, 60.0, 1800.0],
        }
    )


def test_nights_are_numbered_by_name_in_any_order_of_the_rows(files):
    numbers = [
        dict(zip(table.group, ScoredFiles.from_table(table, 0.5).nights, strict=True)) for table in (files, files[::-1])
    ]
    assert numbers[0] == numbers[1] == {"r1@2025-02-01": 0, "r1@2025-02-02": 1, "r2@2025-02-01": 2}
    assert ScoredFiles.from_table(files, 0.5, sort_nights=False).nights.tolist() == [0, 1, 2]


def test_scores_of_a_run_are_loaded_once_by_its_axes_and_seed_in_order_of_path(files, tmp_path):
    path = tmp_path / "scores.parquet"
    files.to_parquet(path)
    runs = [{"negative_tier": "hard", "seed": 1}]
    metrics = pd.DataFrame({"negative_tier": "hard", "seed": 1, "split": ["val", "test_ood"], "threshold": 0.4})
    load_scores = scored_files.make_score_loader([path], runs, metrics, ["negative_tier", "seed"])
    run = {"negative_tier": "hard", "seed": "1"}
    scored = load_scores(run, "test_ood")
    path.unlink()
    assert scored.confidences.tolist() == [0.2, 0.9] and scored.hours.tolist() == [0.5, 1.0]
    assert scored.threshold == 0.4
    assert load_scores(run, "val").labels.tolist() == [1]


@pytest.mark.parametrize(("cluster", "nights"), [("night", [0, 2, 1]), ("date", [0, 0, 1]), ("site", [0, 0, 0])])
def test_the_chosen_cluster_decides_which_files_are_resampled_together(files, tmp_path, cluster, nights):
    table = files.assign(
        split="test_ood",
        site="pond",
        recorder_id=["r2", "r1", "r1"],
        file_path=["b.wav", "a.wav", "c.wav"],
        night=["2025-02-01", "2025-02-01", "2025-02-02"],
    )
    table.to_parquet(tmp_path / "scores.parquet")
    run = {"negative_tier": "hard", "seed": "1"}
    metrics = pd.DataFrame({"negative_tier": ["hard"], "seed": 1, "threshold": 0.4})
    load_scores = scored_files.make_score_loader(
        [tmp_path / "scores.parquet"], [run], metrics, ["negative_tier", "seed"], cluster=cluster
    )
    numbers = dict(zip(["r1@2025-02-01", "r2@2025-02-01", "r1@2025-02-02"], nights, strict=True))
    expected = [numbers[group] for group in table.sort_values("file_path").group]
    assert load_scores(run, "test_ood").nights.tolist() == expected
