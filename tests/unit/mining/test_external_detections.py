import pandas as pd
import pytest

from hardneg.common.errors import InputError
from hardneg.mining import detection_tables, external_detections

INDEX = pd.DataFrame(
    [("a/1.wav", 0.0, 3.0), ("a/1.wav", 3.0, 6.0), ("b/1.wav", 0.0, 3.0), ("b/2.wav", 0.0, 3.0)],
    columns=["file_path", "start_s", "end_s"],
)
CSV = "Start (s),End (s),Scientific name,Common name,Confidence,File\n"
RAVEN = "\t".join(detection_tables.RAVEN_COLUMNS) + "\n"


@pytest.fixture
def table(tmp_path):
    def write(text, name="t.csv"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return write


def confidences(*tables, label="Rana draytonii"):
    scored = external_detections.score_windows(tables, label, INDEX)
    return dict(zip(zip(scored.file_path, scored.start_s, strict=True), scored.confidence, strict=True))


def test_each_window_has_its_highest_detection_and_one_without_detections_has_confidence_0(table):
    path = table(
        CSV
        + "0.0,3.0,Rana draytonii,Red-legged Frog,0.4,/data/pool/a/1.wav\n"
        + "1.0,4.0,Rana draytonii,Red-legged Frog,0.7,/data/pool/a/1.wav\n"
        + "2.0,5.0,Rana draytonii,Red-legged Frog,0.6,/data/pool/a/1.wav\n"
        + "30.0,33.0,Rana draytonii,Red-legged Frog,0.8,/data/pool/a/1.wav\n"
        + "0.0,3.0,Hyliola regilla,Pacific Chorus Frog,0.99,/data/pool/b/2.wav\n"
    )
    expected = {("a/1.wav", 0.0): 0.7, ("a/1.wav", 3.0): 0.6, ("b/1.wav", 0.0): 0.0, ("b/2.wav", 0.0): 0.0}
    assert confidences(path) == expected == confidences(path, label="red-legged frog")


def test_a_combined_raven_table_is_read_by_its_offset_within_the_file(table):
    rows = [
        "1\tSpectrogram 1\t1\t3.0\t6.0\t0\t15000\tRed-legged Frog\tradr\t0.8\tC:\\pool\\a\\1.wav\t3.0\n",
        "2\tSpectrogram 1\t1\t6.0\t9.0\t0\t15000\tRed-legged Frog\tradr\t0.5\tC:\\pool\\b\\1.wav\t0.0\n",
    ]
    scored = confidences(table(RAVEN + "".join(rows), "BirdNET_SelectionTable.txt"), label="Red-legged Frog")
    assert scored == {("a/1.wav", 0.0): 0.0, ("a/1.wav", 3.0): 0.8, ("b/1.wav", 0.0): 0.5, ("b/2.wav", 0.0): 0.0}


def test_a_bare_name_is_matched_where_only_one_file_has_it():
    pool = INDEX.file_path.unique()
    assert external_detections.match_files(["2.wav", "1.wav", "x/b/1.wav", "3.wav"], pool) == {
        "2.wav": "b/2.wav", "x/b/1.wav": "b/1.wav",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CSV + "0,3,Rana draytonii,Frog,0.4,elsewhere.wav\n", "none of the 1 files .* elsewhere.wav"),
        (CSV + "0,3,Hyliola regilla,Chorus Frog,0.4,a/1.wav\n", "no detection of 'Rana draytonii'; they contain Chorus Frog"),
        (CSV + "0,3,Rana draytonii,Frog,1.4,a/1.wav\n", r"a/1.wav: the confidence 1\.4 at 0 s is outside"),
        (CSV + "0,3,Rana draytonii,Frog,high,a/1.wav\n", "cannot be read as a table of detections"),
        ("file,score\na/1.wav,0.4\n", "is not a table of detections from BirdNET or Raven: its columns are file, score"),
        ("", "cannot be read as a table of detections"),
    ],
)  # fmt: skip
def test_an_unusable_table_is_refused_with_the_reason(table, text, message):
    with pytest.raises(InputError, match=message):
        confidences(table(text))


def test_a_folder_stands_for_its_tables(table, tmp_path):
    table(CSV, "one.BirdNET.results.csv")
    table(RAVEN, "two.BirdNET.selection.table.txt")
    table("", "two.wav")
    assert [path.name[:3] for path in external_detections.list_tables(tmp_path)] == ["one", "two"]
    with pytest.raises(InputError, match="neither a file nor a folder with tables"):
        external_detections.list_tables(tmp_path / "none")
