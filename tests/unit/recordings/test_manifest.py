import csv

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardneg.__main__ import main
from hardneg.common.errors import InputError
from hardneg.recordings import checks, manifest, nights
from hardneg.recordings.manifest import SplitSettings


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "manifest.csv"
        path.write_text(text)
        return path

    return write


def read_date(name):
    return nights.format_dates(nights.read_times_in_names(pd.Series([name])))[0]


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
    assert read_date(name) == date


def test_a_recorder_without_a_date_is_its_own_group(written):
    table = manifest.read(
        written("file_path,label,recorder_id,date\na.wav,negative,r1,\nb.wav,negative,r1,2025-01-02\n")
    )
    assert list(table.group) == ["r1", "r1@2025-01-02"]


def test_case_and_spaces_of_labels_do_not_matter(written):
    table = manifest.read(written("file_path,label,split,recorder_id\na.wav, Positive ,POOL,r1\n"))
    assert (table.label[0], table.split[0]) == ("positive", "pool")


def test_additional_columns_are_kept(written):
    assert manifest.read(written("file_path,label,recorder_id,moon\na.wav,negative,r1,full\n")).moon[0] == "full"


def test_a_duration_in_the_manifest_does_not_replace_the_measured_one(written):
    table = manifest.read(written("file_path,label,recorder_id,duration_s\na.wav,negative,r1,9\n"))
    assert "duration_s" not in table.columns and table.listed_duration_s[0] == "9"


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("a.wav,maybe,,r1,", "label is 'maybe'"),
        ("a.wav,negative,holdout,r1,", "split is 'holdout'"),
        ("a.wav,negative,,,", "recorder_id is ''"),
        ("a.wav,negative,,r1,2025-02-30", "date is '2025-02-30'"),
        ("a.wav,negative,,r1,\na.wav,positive,,r1,", "label is 'positive'"),
        ("a.wav,negative,,r1,\na.wav,negative,,r2,", "wrong recorder_id; it must be the same in all rows of one file"),
        ("a.wav,negative,,r1,2025-01-02\na.wav,negative,,r1,2025-01-03", "line 3: a.wav: date is '2025-01-03'"),
        (
            "a.wav,negative,pool,r1,2025-01-02\na.wav,negative,,r2,2025-01-02",
            "line 2: a.wav: split is 'pool', recorder_id is 'r1'",
        ),
    ],
)
def test_an_invalid_row_is_named(written, row, expected):
    with pytest.raises(InputError, match=r"a\.wav") as error:
        manifest.read(written(f"file_path,label,split,recorder_id,date\n{row}\n"))
    assert expected in str(error.value)


def test_a_file_at_two_sites_is_named_and_rows_without_a_path_are_not_compared(written):
    head = "file_path,label,recorder_id,site\n"
    with pytest.raises(InputError, match=r"line 3: a\.wav: site is 'creek'"):
        manifest.read(written(f"{head}a.wav,negative,r1,pond\na.wav,negative,r1,creek\n"))
    assert len(manifest.read(written(f"{head},negative,r1,pond\n,positive,r2,creek\n"))) == 2


def test_a_missing_column_is_named_with_the_columns_that_exist(written):
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


def test_assigned_splits_contain_whole_sites_and_whole_recorder_nights():
    table = manifest.assign_splits(many(4000), SplitSettings(["far"], validation_fraction=0.2, iid_fraction=0.1))
    assert set(table.split[table.site == "far"]) == {"test_ood"}
    assert table.groupby("group").split.nunique().max() == 1
    near = table[table.site == "near"].drop_duplicates("group").split.value_counts(normalize=True)
    assert near["val"] == pytest.approx(0.2, abs=0.05)
    assert near["test_iid"] == pytest.approx(0.1, abs=0.04)


def test_new_rows_do_not_change_the_splits_of_old_rows():
    few = manifest.assign_splits(many(400), SplitSettings([], 0.2, 0.1))
    more = manifest.assign_splits(many(800), SplitSettings([], 0.2, 0.1))
    assert list(more.split[:400]) == list(few.split)


@pytest.mark.parametrize("seed", range(20))
def test_few_recorder_nights_are_divided_into_training_and_validation_too(seed):
    rows = {
        "file_path": [f"{n}.wav" for n in range(9)],
        "label": "positive",
        "recorder_id": [f"{seed}r{n % 3}" for n in range(9)],
    }
    table = manifest.complete(pd.DataFrame(rows).astype(object), "test")
    split = manifest.assign_splits(table, SplitSettings([], 0.15, 0.15)).split
    assert {"train", "val"} <= set(split) and split.groupby(table.recorder_id).nunique().max() == 1
    table.loc[0, "split"] = "val"
    given = manifest.assign_splits(table, SplitSettings([], 0, 0)).split
    assert list(given) == ["val"] + ["train"] * 8, "a given split is enough"


def test_a_split_in_the_manifest_is_kept(make_manifest):
    table = make_manifest(("a.wav", "negative", "train", "far", "r1", "2025-01-01"))
    assert manifest.assign_splits(table, SplitSettings(["far"], 0.99, 0.0)).split[0] == "train"


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
def test_tables_from_different_programs_are_read_alike(tmp_path, content):
    (tmp_path / "m.csv").write_bytes(content)
    table = manifest.read(tmp_path / "m.csv")
    assert list(table.file_path) == ["a.wav", "b.wav"]
    assert list(table.label) == ["negative", "positive"]
    assert list(table.group) == ["r1@2025-01-01", "r2"]


def test_a_comma_or_a_line_break_in_a_quoted_name_stays_in_the_name(tmp_path):
    (tmp_path / "m.csv").write_text('file_path,label,recorder_id\n"a,b\nc.wav",negative,r\n')
    assert list(manifest.read(tmp_path / "m.csv").file_path) == ["a,b\nc.wav"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty. Save it as CSV in UTF-8"),
        (b"file_path,label,label,recorder_id\na.wav,negative,positive,r\n", "has the column(s) label more than once"),
        (
            b"file_path,label,recorder_id\na.wav,negative\n",
            "1 line(s) do not have 3 cells like the header. Quote cells that contain the delimiter.\n  line 2: 2 cells",
        ),
        (b"file_path,label,recorder_id\na,b.wav,negative,r\n", "line 2: 4 cells"),
        (b'file_path,label,recorder_id\n"a.wav,negative,r\n', "cannot be read as a table"),
        (bytes(range(256)) * 4, "Save it as CSV in UTF-8"),
    ],
)
def test_a_malformed_table_is_refused(tmp_path, content, expected):
    (tmp_path / "m.csv").write_bytes(content)
    with pytest.raises(InputError) as error:
        manifest.read(tmp_path / "m.csv")
    assert expected in str(error.value)


@pytest.mark.slow
def test_a_million_rows_are_read_in_seconds(tmp_path):
    row = "site/r{0}/{1:08d}.wav,negative,pool,r{0},2025-01-01"
    lines = (row.format(n % 500, n) for n in range(1_000_000))
    (tmp_path / "m.csv").write_text("file_path,label,split,recorder_id,date\n" + "\n".join(lines))
    assert len(manifest.read(tmp_path / "m.csv")) == 1_000_000


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1, max_size=20).filter(
    lambda text: text == text.strip()
)
ROW = st.fixed_dictionaries(
    {
        "file_path": TEXT,
        "label": st.sampled_from(["negative", "NEGATIVE", "Negative "]),
        "recorder_id": st.sampled_from(["r1", "r2", "r3", "r4"]),
        "site": st.sampled_from(["", "far", "near"]),
        "date": st.sampled_from(["", "2025-01-01", "2025-01-02", "2024-02-29"]),
    }
)
ROWS = st.lists(ROW, min_size=1, max_size=30, unique_by=lambda row: row["file_path"])


@given(ROWS, st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), st.booleans())
def test_manifests_are_read_as_they_were_written(tmp_path_factory, rows, quoting, mark):
    path = tmp_path_factory.mktemp("manifest") / "m.csv"
    with open(path, "w", encoding="utf-8-sig" if mark else "utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), quoting=quoting)
        writer.writeheader()
        writer.writerows(rows)
    table = manifest.read(path)
    assert list(table.file_path) == [row["file_path"] for row in rows]
    assert list(table.recorder_id) == [row["recorder_id"] for row in rows]
    assert set(table.label) == {"negative"}
    dated = [row["date"] or read_date(row["file_path"]) for row in rows]
    assert list(table.date) == dated


@given(ROWS, st.floats(0, 0.5), st.floats(0, 0.5), st.randoms())
def test_assigned_splits_breach_no_rule_and_no_row_depends_on_another_unless_a_split_would_be_empty(
    rows, validation, iid, order
):
    # A site is where a recorder stands: one recorder is not at two sites.
    table = manifest.complete(pd.DataFrame(rows).assign(site=lambda rows: "s" + rows.recorder_id), "test")
    whole = manifest.assign_splits(table, SplitSettings(["sr1"], validation, iid))
    assert set(whole.split) <= {"train", "val", "test_iid", "test_ood"}
    assert set(whole.split[whole.site == "sr1"]) <= {"test_ood"}
    assert whole.groupby("group").split.nunique().max() == 1
    checked = whole.assign(reason="", sha256=whole.file_path, flags="")
    assert len(checks.separate_rejected(checked, 0)[0]) == len(rows)
    some = table.loc[sorted(order.sample(range(len(rows)), order.randint(1, len(rows))))]
    alone = manifest.assign_splits(some, SplitSettings(["sr1"], validation, iid))
    moved = alone[alone.split != whole.split[some.index]]
    if len(moved):
        assert moved.group.nunique() <= 4
        nights = [part[part.split == split].group.nunique() for part in (alone, whole) for split in ("train", "val")]
        assert 1 in nights, "recorder-nights moved into splits that have others"


@given(ROWS, st.lists(st.sampled_from(manifest.SPLITS), min_size=30, max_size=30))
def test_a_recorder_night_in_two_splits_or_a_pool_recorder_elsewhere_is_always_refused(rows, splits):
    table = manifest.complete(pd.DataFrame(rows).assign(split=splits[: len(rows)], site=""), "test")
    table = table.assign(reason="", sha256=table.file_path, flags="")
    torn = table.groupby("group").split.nunique().max() > 1
    is_pool = table.split.isin(["pool", "test_pool"])
    pooled = set(table.recorder_id[is_pool]) & set(table.recorder_id[~is_pool])
    if torn or pooled:
        with pytest.raises(InputError, match="must"):
            checks.separate_rejected(table, 0)
    else:
        assert len(checks.separate_rejected(table, 0)[0]) == len(rows)


def pool_of(nights, recorders=("p1", "p2")):
    rows = [
        {"file_path": f"{recorder}/{night}.wav", "recorder_id": recorder, "date": f"2025-03-{night:02}"}
        for recorder in recorders
        for night in nights
    ]
    rows = pd.DataFrame([row for row in rows for _ in range(2)]).assign(label="negative", split="pool")
    return manifest.complete(rows, "test")


def test_whole_nights_of_the_pool_are_held_out_and_more_recordings_move_none():
    held_out = SplitSettings([], 0.1, 0.1, pool_test_fraction=0.3)
    few, many = (manifest.assign_splits(pool_of(range(1, nights)), held_out) for nights in (16, 29))
    assert 0.1 < (many.split == "test_pool").mean() < 0.5
    assert many.groupby("group").split.nunique().max() == 1
    assert (
        dict(zip(few.file_path, few.split, strict=True)).items()
        <= dict(zip(many.file_path, many.split, strict=True)).items()
    )


def test_one_night_of_the_pool_is_always_left_to_mine():
    held_out = SplitSettings([], 0.1, 0.1, pool_test_fraction=0.999)
    table = manifest.assign_splits(pool_of(range(1, 4)), held_out)
    assert table.group[table.split == "pool"].nunique() == 1


def test_recordings_that_the_manifest_holds_out_of_the_pool_are_the_only_ones():
    table = pool_of(range(1, 21))
    table.loc[table.group == "p1@2025-03-05", "split"] = "test_pool"
    assigned = manifest.assign_splits(table, SplitSettings([], 0.1, 0.1, pool_test_fraction=0.5))
    assert set(assigned.group[assigned.split == "test_pool"]) == {"p1@2025-03-05"}


def test_a_manifest_is_drafted_from_a_folder(tmp_path, capsys):
    names = [
        "positive/A1/20250312_213000.WAV",
        "pool/B2/x.flac",
        "negative/A1/b.wav",
        "more/A1/c.wav",
        "more/notes.txt",
    ]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    output = tmp_path / "listed.csv"
    assert main(["manifest", str(tmp_path), "--output", str(output)]) == 0
    assert "4 recordings, 1 positive, 1 negative, 1 to mine, 1 without a label" in capsys.readouterr().out
    rows = pd.read_csv(output, keep_default_na=False).set_index("file_path")
    columns = ["label", "recorder_id", "split", "date"]
    assert rows.loc["positive/A1/20250312_213000.WAV", columns].tolist() == ["positive", "A1", "", "2025-03-12"]
    assert rows.loc["pool/B2/x.flac", columns].tolist() == ["negative", "B2", "pool", ""]
    assert rows.loc["more/A1/c.wav", columns].tolist() == ["", "A1", "", ""]
    assert main(["manifest", str(tmp_path), "--output", str(output)]) == 1, "an existing table is not overwritten"
