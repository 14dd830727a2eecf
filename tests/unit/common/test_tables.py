import numpy as np
import pandas as pd
import pytest

from hardneg.common import tables
from hardneg.common.errors import InputError
from hardneg.common.files import atomic_write


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_numbers_are_read_back_exactly(tmp_path, suffix):
    values = np.random.default_rng(0).random(2000) / 3
    tables.write(pd.DataFrame({"x": values}), tmp_path / f"t.{suffix}")
    assert list(tables.read(tmp_path / f"t.{suffix}").x) == list(values)


def test_names_stay_text_and_only_empty_cells_are_missing(tmp_path):
    names = pd.DataFrame(
        {"recorder_id": ["007", "7", "NA"], "negative_tier": ["None", "1e5", None], "files": [1, 2, 3]}
    )
    tables.write(names, tmp_path / "t.csv")
    read = tables.read(tmp_path / "t.csv", ["recorder_id", "negative_tier"])
    assert read.recorder_id.tolist() == ["007", "7", "NA"]
    assert read.negative_tier.tolist()[:2] == ["None", "1e5"] and read.negative_tier.isna().tolist() == [
        False,
        False,
        True,
    ]


def test_a_failed_write_leaves_the_old_file_and_no_draft(tmp_path):
    (tmp_path / "t.csv").write_text("old")
    with pytest.raises(RuntimeError), atomic_write(tmp_path / "t.csv") as draft:
        draft.write_text("half")
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]
    assert (tmp_path / "t.csv").read_text() == "old"


def test_appended_parts_become_one_table_even_if_some_are_empty_and_untyped(tmp_path):
    untyped = pd.DataFrame(columns=["file_path", "row"])
    parts = [
        untyped,
        pd.DataFrame({"file_path": ["a", "b"], "row": [0, 1]}),
        untyped,
        pd.DataFrame({"file_path": ["c"], "row": [0]}),
    ]
    with tables.parquet_appender(tmp_path / "t.parquet") as append:
        for part in parts:
            append(part)
    assert tables.read(tmp_path / "t.parquet").to_dict("list") == {"file_path": ["a", "b", "c"], "row": [0, 1, 0]}
    with tables.parquet_appender(tmp_path / "none.parquet") as append:
        append(untyped)
    assert list(tables.read(tmp_path / "none.parquet").columns) == ["file_path", "row"]


def test_the_rows_of_some_files_are_read_without_the_others(tmp_path):
    with tables.parquet_appender(tmp_path / "t.parquet") as append:
        for shard in range(3):
            append(pd.DataFrame({"file_path": [f"{shard}/{n}.wav" for n in range(4)], "row": range(4)}))
    rows = tables.read_rows_of_files(tmp_path / "t.parquet", ["2/1.wav", "0/3.wav", "gone.wav"])
    assert rows.to_dict("list") == {"file_path": ["0/3.wav", "2/1.wav"], "row": [3, 1]}
    paths = tables.read(tmp_path / "t.parquet").file_path
    for nothing in ([], paths[paths == "gone.wav"]):
        assert tables.read_rows_of_files(tmp_path / "t.parquet", nothing).empty


READERS = {
    "a.csv": tables.read,
    "a.parquet": tables.read,
    "rows.parquet": lambda path: tables.read_rows_of_files(path, ["recording 1"]),
    "a.json": tables.read_json,
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("damage", ["empty", "truncated", "noise", "changed"])
def test_a_damaged_file_is_named_with_the_remedy(tmp_path, name, damage):
    path = tmp_path / name
    table = pd.DataFrame({"file_path": [f"recording {number}" for number in range(500)], "row": range(500)})
    if path.suffix == ".json":
        tables.write_json({"training": {"epochs": 3}}, path)
    else:
        tables.write(table, path)
    content = path.read_bytes()
    changes = {
        "empty": b"",
        "truncated": content[: len(content) // 2],
        "noise": bytes(np.random.default_rng(1).integers(128, 256, 999, np.uint8)),
        "changed": content[:4] + bytes(60) + content[64:],
    }
    path.write_bytes(changes[damage])
    if name == "a.csv" and damage in ("truncated", "changed"):  # still a table: `snakemake verify` finds the change
        return
    with pytest.raises(InputError, match=rf"{name} is damaged or truncated .*delete it and run again"):
        READERS[name](path)


def test_flipped_bits_of_a_parquet_table_are_never_read_as_other_numbers(tmp_path):
    table = pd.DataFrame({"file_path": [f"recording {number}" for number in range(100)], "row": range(100)})
    path = tmp_path / "a.parquet"
    tables.write(table, path)
    content = path.read_bytes()
    for position in range(0, len(content), 37):
        path.write_bytes(content[:position] + bytes([content[position] ^ 255]) + content[position + 1 :])
        for read in (READERS["a.parquet"], lambda path: tables.read_rows_of_files(path, table.file_path)):
            try:
                pd.testing.assert_frame_equal(read(path), table)
            except InputError as error:
                assert "a.parquet is damaged" in str(error)


def test_errors_of_the_operating_system_keep_their_type(tmp_path):
    with pytest.raises(FileNotFoundError):
        tables.read(tmp_path / "gone.parquet")
    with pytest.raises(IsADirectoryError):
        tables.read_json(tmp_path)
