import logging

import pandas as pd
import pytest

from hardneg.common.errors import InputError
from hardneg.mining import external_detections
from hardneg.recordings import detection_tables

INDEX = pd.DataFrame(
    [("a/1.wav", 0.0, 3.0), ("a/1.wav", 3.0, 6.0), ("b/1.wav", 0.0, 3.0), ("b/2.wav", 0.0, 3.0)],
    columns=["file_path", "start_s", "end_s"],
)
RECORDINGS = pd.DataFrame(
    [("a/1.wav", "a", 6.0), ("b/1.wav", "b", 3.0), ("b/2.wav", "b", 3.0), ("m/2.wav", "m", 3.0)],
    columns=["file_path", "recorder_id", "duration_s"],
)  # m/2.wav is labeled
CSV = "Start (s),End (s),Scientific name,Common name,Confidence,File\n"
RAVEN = "\t".join(detection_tables.RAVEN_COLUMNS) + "\n"
NOTHING = {("a/1.wav", 0.0): 0.0, ("a/1.wav", 3.0): 0.0, ("b/1.wav", 0.0): 0.0, ("b/2.wav", 0.0): 0.0}


@pytest.fixture
def table(tmp_path):
    def write(text, name="tables/t.csv"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


def score(*tables, label="Rana draytonii", **settings):
    folder = tables[0].parent
    return external_detections.score_windows(tables, folder, label, INDEX, RECORDINGS, **settings)


def confidences(*tables, **settings):
    scored = score(*tables, **settings).windows
    return dict(zip(zip(scored.file_path, scored.start_s, strict=True), scored.confidence, strict=True))


def frog(path, confidence, start=0.0):
    return f"{start},{start + 3},Rana draytonii,Red-legged Frog,{confidence},{path}\n"


def test_each_window_has_its_highest_detection_and_one_without_detections_has_confidence_0(table):
    path = table(
        CSV
        + frog("/data/pool/a/1.wav", 0.4)
        + frog("/data/pool/a/1.wav", 0.7, start=1.0)
        + frog("/data/pool/a/1.wav", 0.6, start=2.0)
        + "0.0,3.0,Hyliola regilla,Pacific Chorus Frog,0.99,/data/pool/b/2.wav\n"
    )
    expected = NOTHING | {("a/1.wav", 0.0): 0.7, ("a/1.wav", 3.0): 0.6}
    assert confidences(path) == expected == confidences(path, label=" red-legged frog")


def test_a_combined_raven_table_is_read_by_its_offset_within_the_file(table):
    rows = [
        "1\tSpectrogram 1\t1\t3.0\t6.0\t0\t15000\tRed-legged Frog\tradr\t0.8\tC:\\pool\\a\\1.wav\t3.0\n",
        "2\tSpectrogram 1\t1\t6.0\t9.0\t0\t15000\tRed-legged Frog\tradr\t0.5\tC:\\pool\\b\\1.wav\t0.0\n",
    ]
    scored = confidences(table(RAVEN + "".join(rows), "BirdNET_SelectionTable.txt"), label="Red-legged Frog")
    assert scored == NOTHING | {("a/1.wav", 3.0): 0.8, ("b/1.wav", 0.0): 0.5}


def test_a_detection_on_a_labeled_recorder_does_not_reach_the_pools_file_of_the_same_name(table):
    path = table(CSV + frog("/archive/m/2.wav", 0.98) + frog("/archive/z/2.wav", 0.97) + frog("/archive/b/1.wav", 0.3))
    assert confidences(path) == NOTHING | {("b/1.wav", 0.0): 0.3}


def test_every_path_of_the_tables_and_every_file_that_none_names_is_reported(table, caplog):
    path = table(
        CSV
        + frog("E:\\CARD1\\DATA\\1.wav", 0.99)
        + frog("E:\\CARD2\\D8\\2.wav", 0.97)
        + frog("/data/b/2.WAV", 0.5)
        + frog("/data/b/2.WAV", 0.4, start=60.0)
        + frog("gone.wav", 0.9)
        + "0.0,3.0,Hyliola regilla,Pacific Chorus Frog,0.99,m/2.wav\n"
    )
    with caplog.at_level(logging.INFO):
        matching = score(path).matching
    assert matching.to_numpy().tolist() == [
        ["/data/b/2.WAV", "matched", "b/2.wav", 2, 1],
        ["m/2.wav", "matched", "m/2.wav", 0, 0],
        ["E:\\CARD1\\DATA\\1.wav", "several", "a/1.wav; b/1.wav", 1, 0],
        ["E:\\CARD2\\D8\\2.wav", "several", "b/2.wav; m/2.wav", 1, 0],
        ["gone.wav", "unknown", "", 1, 0],
        ["", "unheard", "a/1.wav", 0, 0],
        ["", "unheard", "b/1.wav", 0, 0],
    ]
    for message in (
        "2 of 5 detections of Rana draytonii are in recordings of the manifest",
        "2 paths fit several recordings, or the same one as another path: E:\\CARD1\\DATA\\1.wav",
        "3 of 5 detections of Rana draytonii have no recording",
        "1 of 5 detections of Rana draytonii start after the end of their recording and are not used; the first is at 60 s",
        "2 of 3 files of the pool are in no table of detections",
    ):
        assert message in caplog.text


def test_the_run_stops_above_the_allowed_share_of_files_that_no_table_names(table):
    path = table(CSV + frog("b/1.wav", 0.3))
    assert confidences(path, max_unheard_fraction=0.7)
    with pytest.raises(
        InputError, match=r"2 of 3 files of the pool are in no table.*66\.7%.*max_unheard_fraction \(60\.0%\): a/1"
    ):
        score(path, max_unheard_fraction=0.6)


def test_a_table_without_rows_shows_that_its_recording_was_processed(table):
    tables = [
        table(CSV + frog("b/1.wav", 0.3), "t/all.csv"),
        table(CSV, "t/a/1.BirdNET.results.csv"),
        table(RAVEN, "t/b/2.wav.BirdNET.selection.table.txt"),
    ]
    assert "unheard" not in set(score(*tables).matching.outcome)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CSV + "0,3,Rana draytonii,Frog,0.4,elsewhere.wav\n", "none of the 1 files .*1 path fits no recording of the manifest: elsewhere.wav"),
        (CSV + "0,3,Hyliola regilla,Chorus Frog,0.4,a/1.wav\n", "no detection of 'Rana draytonii'; they contain Chorus Frog, Hyliola regilla"),
        (RAVEN + "1\tS\t1\t0\t3\t0\t9\tFrog\tradr\t0.8\ta/1.wav\t0\n", "they contain Frog, radr.*common names and codes only"),
        (CSV + "0,3,Rana draytonii,Frog,0.4,m/2.wav\n", "none of the 1 files in the tables"),
        (CSV + "9,12,Rana draytonii,Frog,0.4,b/1.wav\n", "none of the 1 files in the tables"),
        (CSV + "0,3,Rana draytonii,Frog,1.4,a/1.wav\n", "Confidence is '1.4'"),
    ],
)  # fmt: skip
def test_an_unusable_table_is_refused_with_the_reason(table, text, message):
    with pytest.raises(InputError, match=message):
        confidences(table(text))


def test_a_folder_stands_for_its_tables_and_other_files_are_named(table, tmp_path, caplog):
    table(CSV, "one.BirdNET.results.csv")
    table(RAVEN, "two.BirdNET.selection.table.txt")
    table(CSV, "sub/three.CSV")
    table("", "four.wav")
    table("Model,Segment length\nBirdNET,3.0\n", "BirdNET_analysis_params.csv")
    assert [path.name for path in external_detections.list_tables(tmp_path)] == [
        "one.BirdNET.results.csv", "three.CSV", "two.BirdNET.selection.table.txt",
    ]  # fmt: skip
    assert "1 file(s) in" in caplog.text and "skipped" in caplog.text and "BirdNET_analysis_params.csv" in caplog.text


def test_a_folder_or_file_without_a_table_is_refused_with_its_columns(table, tmp_path):
    with pytest.raises(InputError, match="neither a file nor a folder with tables"):
        external_detections.list_tables(tmp_path / "none")
    path = table("file,score\na/1.wav,0.4\n", "other/t.csv")
    for place in (path, path.parent):
        with pytest.raises(
            InputError, match="not a table of detections from BirdNET or Raven: its columns are file, score"
        ):
            external_detections.list_tables(place)
