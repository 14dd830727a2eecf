import pandas as pd
import pytest

from hardneg.__main__ import main
from hardneg.recordings.detection_tables import read_detections

AXES = "positive_subset~base/negative_tier~none/seed~1"


@pytest.fixture
def run(tmp_path):
    """A run whose frozen threshold is 0.5, with two test recordings, one of them annotated completely."""
    folder = tmp_path / "results/runs" / AXES
    folder.mkdir(parents=True)
    rows = [("D7/a.wav", 0.9, 3.0), ("M1/b.wav", 0.6, 0.0), ("M1/c.wav", 0.4, 0.0)]
    scores = pd.DataFrame(rows, columns=["file_path", "confidence", "start_s"]).assign(split="test_ood")
    scores.assign(end_s=scores.start_s + 3).to_parquet(folder / "scores.parquet")
    runs = pd.DataFrame(
        {"positive_subset": "base", "negative_tier": ["none", "hard"], "seed": 1, "threshold": [0.5, 0.95]}
    )
    runs.to_csv(tmp_path / "results/runs.csv", index=False)
    return folder


def read(folder):
    tables = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.selection.table.txt")}
    rows = [read_detections(path) for path in tables.values()]
    joined = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()
    return set(tables), joined


def test_the_flagged_recordings_of_a_run_get_tables_at_its_own_threshold(run, tmp_path, capsys):
    assert main(["selections", str(run), "--label", "frog", "--output", str(tmp_path / "out")]) == 0
    names, rows = read(tmp_path / "out")
    assert names == {"D7/a.BirdNET.selection.table.txt", "M1/b.BirdNET.selection.table.txt"}
    assert set(rows.common_name) == {"frog"} and sorted(rows.start_s) == [0.0, 3.0]
    assert "2 selections in 2 recordings" in capsys.readouterr().out


def test_a_completely_annotated_recording_has_all_its_flagged_windows(run, tmp_path):
    windows = pd.DataFrame({"file_path": "D7/a.wav", "start_s": [0.0, 3.0, 6.0], "confidence": [0.7, 0.9, 0.2]})
    windows.assign(split="test_ood", end_s=windows.start_s + 3).to_parquet(run / "window_scores.parquet")
    assert main(["selections", str(run), "--output", str(tmp_path / "out")]) == 0
    _, rows = read(tmp_path / "out")
    assert rows.start_s[rows.file_path == "D7/a.wav"].tolist() == [0.0, 3.0] and len(rows) == 3


def test_answers_of_reviewers_become_tables(tmp_path):
    rows = [("D7/a.wav", 3.0, "positive"), ("D7/a.wav", 9.0, "negative"), ("M1/b.wav", 0.0, "negative")]
    review = pd.DataFrame(rows, columns=["file_path", "start_s", "label"])
    review.assign(end_s=review.start_s + 3).to_csv(tmp_path / "review.csv", index=False)
    assert (
        main(["selections", str(tmp_path / "review.csv"), "--answer", "negative", "--output", str(tmp_path / "o")]) == 0
    )
    _, table = read(tmp_path / "o")
    assert set(zip(table.file_path, table.start_s, strict=True)) == {("D7/a.wav", 9.0), ("M1/b.wav", 0.0)}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["RUN", "--split", "test_iid"], "has no file of the split test_iid. It has: test_ood"),
        (["EMPTY"], "contains no scores.parquet"),
        (["GONE.csv"], "does not exist"),
    ],
)
def test_what_has_no_detections_is_refused(run, tmp_path, capsys, arguments, message):
    places = {"RUN": str(run), "EMPTY": str(tmp_path), "GONE.csv": str(tmp_path / "gone.csv")}
    assert main(["selections", *(places.get(argument, argument) for argument in arguments)]) == 1
    assert message in capsys.readouterr().err


def test_a_run_without_its_summary_needs_a_threshold(run, tmp_path, capsys):
    (tmp_path / "results/runs.csv").unlink()
    assert main(["selections", str(run)]) == 1
    assert "give --threshold" in capsys.readouterr().err
    assert main(["selections", str(run), "--threshold", "0.3", "--output", str(tmp_path / "o")]) == 0
    assert len(read(tmp_path / "o")[1]) == 3


def test_a_mining_model_gives_every_window_of_the_pool_above_a_threshold(tmp_path, capsys):
    folder = tmp_path / "results/mining/trained"
    folder.mkdir(parents=True)
    windows = pd.DataFrame({"file_path": "D7/a.wav", "start_s": [0.0, 3.0, 6.0], "confidence": [0.9, 0.2, 0.8]})
    windows.assign(end_s=windows.start_s + 3).to_parquet(folder / "windows.parquet")
    assert main(["selections", str(folder)]) == 1
    assert "give --threshold" in capsys.readouterr().err
    assert main(["selections", str(folder), "--threshold", "0.5", "--output", str(tmp_path / "o")]) == 0
    assert read(tmp_path / "o")[1].start_s.tolist() == [0.0, 6.0]
