import pandas as pd
import pytest

from hardneg import manifest
from hardneg.errors import InputError


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "manifest.csv"
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize(
    ("name", "date"),
    [
        ("20250312_213000.WAV", "2025-03-12"),
        ("20250312_213000T.WAV", "2025-03-12"),
        ("pond/24F319_20250312_213000.WAV", "2025-03-12"),
        ("20250312T213000.wav", "2025-03-12"),
        ("20251399_213000.WAV", ""),
        ("call_17.wav", ""),
        ("20250101_000000/call.wav", ""),
    ],
)
def test_the_date_is_read_from_an_audiomoth_name(name, date):
    assert manifest.date_in_name(name) == date


def test_a_recorder_without_a_date_is_its_own_group(written):
    table = manifest.read(
        written("file_path,label,recorder_id,date\na.wav,negative,r1,\nb.wav,negative,r1,2025-01-02\n")
    )
    assert list(table.group) == ["r1", "r1@2025-01-02"]


def test_case_and_spaces_of_labels_do_not_matter(written):
    table = manifest.read(written("file_path,label,split,recorder_id\na.wav, Positive ,POOL,r1\n"))
    assert (table.label[0], table.split[0]) == ("positive", "pool")


def test_columns_of_ones_own_are_kept(written):
    assert manifest.read(written("file_path,label,recorder_id,moon\na.wav,negative,r1,full\n")).moon[0] == "full"


def test_a_listed_duration_does_not_stand_for_the_measured_one(written):
    table = manifest.read(written("file_path,label,recorder_id,duration_s\na.wav,negative,r1,9\n"))
    assert "duration_s" not in table.columns and table.listed_duration_s[0] == "9"


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ("a.wav,maybe,,r1,", "label is 'maybe'"),
        ("a.wav,negative,holdout,r1,", "split is 'holdout'"),
        ("a.wav,negative,,,", "recorder_id is ''"),
        ("a.wav,negative,,r1,2025-02-30", "date is '2025-02-30'"),
        ("a.wav,negative,,r1,\na.wav,positive,,r1,", "label is 'positive'"),
    ],
)
def test_a_row_that_cannot_be_meant_is_named(written, row, named):
    with pytest.raises(InputError, match=r"a\.wav") as error:
        manifest.read(written(f"file_path,label,split,recorder_id,date\n{row}\n"))
    assert named in str(error.value)


def test_a_missing_column_is_named_with_those_there(written):
    with pytest.raises(InputError, match=r"lacks the column recorder_id; it has: file_path, label"):
        manifest.read(written("file_path,label\na.wav,negative\n"))


def many(count):
    rows = {
        "file_path": [f"{n}.wav" for n in range(count)],
        "label": "negative",
        "recorder_id": [f"r{n % 40}" for n in range(count)],
        "date": [f"2025-01-{1 + n // 40 % 20:02d}" for n in range(count)],
        "site": ["far" if n % 40 < 4 else "near" for n in range(count)],
    }
    return manifest.complete(pd.DataFrame(rows).astype(object), "test")


def test_assigned_splits_hold_whole_sites_and_whole_recorder_dates():
    table = manifest.assign_splits(many(4000), ["far"], validation_fraction=0.2, iid_fraction=0.1)
    assert set(table.split[table.site == "far"]) == {"test_ood"}
    assert table.groupby("group").split.nunique().max() == 1
    near = table[table.site == "near"].drop_duplicates("group").split.value_counts(normalize=True)
    assert near["val"] == pytest.approx(0.2, abs=0.05)
    assert near["test_iid"] == pytest.approx(0.1, abs=0.04)


def test_new_rows_leave_the_splits_of_the_old_ones_alone():
    few = manifest.assign_splits(many(400), [], 0.2, 0.1)
    more = manifest.assign_splits(many(800), [], 0.2, 0.1)
    assert list(more.split[:400]) == list(few.split)


def test_a_given_split_is_kept(listed):
    table = listed(("a.wav", "negative", "train", "far", "r1", "2025-01-01"))
    assert manifest.assign_splits(table, ["far"], 0.99, 0.0).split[0] == "train"


PLAIN = "file_path,label,recorder_id,date\na.wav,negative,r1,2025-01-01\nb.wav,positive,r2,\n"


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode("utf-8-sig"),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace(",", ";").encode(),
        PLAIN.replace(",", "\t").encode(),
        PLAIN.replace("\n", "\n\n").encode(),
        PLAIN.rstrip("\n").encode(),
        PLAIN.replace("a.wav", '"a.wav"').encode(),
        PLAIN.replace("label", " label ").encode(),
        PLAIN.replace("negative", "NEGATIVE ").encode(),
    ],
)
def test_the_ways_in_which_programs_write_a_table_do_not_matter(tmp_path, content):
    (tmp_path / "m.csv").write_bytes(content)
    table = manifest.read(tmp_path / "m.csv")
    assert list(table.file_path) == ["a.wav", "b.wav"]
    assert list(table.label) == ["negative", "positive"]
    assert list(table.group) == ["r1@2025-01-01", "r2"]


def test_a_comma_or_a_line_break_in_a_quoted_name_stays_in_the_name(tmp_path):
    (tmp_path / "m.csv").write_text('file_path,label,recorder_id\n"a,b\nc.wav",negative,r\n')
    assert list(manifest.read(tmp_path / "m.csv").file_path) == ["a,b\nc.wav"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "lacks the columns file_path, label, recorder_id"),
        (b"file_path,label,label,recorder_id\na.wav,negative,positive,r\n", "has the column(s) label more than once"),
        (b"file_path,label,recorder_id\na.wav,negative\n", "1 line(s) have not 3 cells:\n  line 2: 2 cells"),
        (b"file_path,label,recorder_id\na,b.wav,negative,r\n", "line 2: 4 cells"),
        ("file_path,label,recorder_id\nänger.wav,negative,r\n".encode("latin-1"), "save it as CSV in UTF-8"),
        (b'file_path,label,recorder_id\n"a.wav,negative,r\n', "cannot be read as a table"),
        (bytes(range(256)) * 4, "save it as CSV in UTF-8"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(tmp_path, content, said):
    (tmp_path / "m.csv").write_bytes(content)
    with pytest.raises(InputError) as error:
        manifest.read(tmp_path / "m.csv")
    assert said in str(error.value)


@pytest.mark.slow
def test_a_million_rows_are_read_in_seconds(tmp_path):
    row = "site/r{0}/{1:08d}.wav,negative,pool,r{0},2025-01-01"
    lines = (row.format(n % 500, n) for n in range(1_000_000))
    (tmp_path / "m.csv").write_text("file_path,label,split,recorder_id,date\n" + "\n".join(lines))
    assert len(manifest.read(tmp_path / "m.csv")) == 1_000_000
