import logging

import pandas as pd
import pytest

from hardneg.common import text_tables
from hardneg.common.errors import InputError


@pytest.fixture
def read(tmp_path):
    def read(text, *columns, encoding="utf-8"):
        (tmp_path / "t.csv").write_bytes(text.encode(encoding))
        return text_tables.read(tmp_path / "t.csv", "table t.csv", columns)

    return read


def test_every_cell_stays_text_and_the_index_is_the_line_of_the_file(read):
    table = read('a,b\n007,"two\nlines"\n\nNA,1e5\nNone,\n')
    assert table.a.tolist() == ["007", "NA", "None"]
    assert table.b.tolist() == ["two\nlines", "1e5", ""]
    assert (table.index.name, table.index.tolist()) == ("line", [2, 5, 6])


def test_a_parquet_file_is_read_as_text_too(tmp_path):
    pd.DataFrame({"Site": ["007", None], "n": [7, 8]}).to_parquet(tmp_path / "t.parquet")
    table = text_tables.read(tmp_path / "t.parquet", "table", ["site"])
    assert table.to_dict("list") == {"site": ["007", ""], "n": ["7", "8"]}
    assert table.index.tolist() == [1, 2]


def test_a_table_in_windows_1252_is_read_with_a_warning(read, caplog):
    with caplog.at_level(logging.WARNING):
        assert read("site\nétang\n", encoding="cp1252").site.tolist() == ["étang"]
    assert "table t.csv is not UTF-8 (line 2), so it is read as Windows-1252" in caplog.text


def test_the_delimiter_is_the_one_that_separates_known_columns(read):
    header = "path;label, as given by the observer, and checked"
    assert read(f"{header}\na;b\n", "path").columns.tolist() == header.split(";")


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["0.5", "12", "1e3", ""], [0.5, 12.0, 1000.0, None]),
        (["0,5", "12", "+3,25"], [0.5, 12.0, 3.25]),
        (["0,500", "1,500"], [0.5, 1.5]),
        (["1,5", "1,500"], [1.5, 1.5]),
        ([" 3 ", ".5", "-1."], [3.0, 0.5, -1.0]),
    ],
)
def test_numbers_are_read_with_decimal_points_or_commas(cells, numbers):
    parsed = text_tables.parse_numbers(pd.DataFrame({"x": cells}), "x", "t.csv")
    assert [None if pd.isna(number) else number for number in parsed] == numbers


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "nan"], "row 1: x is 'nan'"),
        (["inf"], "x that is no number"),
        (["0.5 s"], "x is '0.5 s'"),
        (["1,500"], "a comma in x that may separate thousands or decimals"),
        (["0.5", "0,5"], "row 1: x is '0,5'"),
        (["1,234,567"], "no number"),
        (["٣"], "no number"),
    ],
)
def test_what_is_no_number_or_could_be_two_is_refused_by_row(cells, expected):
    with pytest.raises(InputError) as error:
        text_tables.parse_numbers(pd.DataFrame({"x": cells}), "x", "t.csv")
    assert expected in str(error.value)


def test_a_message_lists_the_first_rows_and_counts_the_others():
    table = pd.DataFrame({"file_path": [f"{n}.wav" for n in range(23)], "label": "maybe"})
    lines = text_tables.list_rows(table, ["label"]).splitlines()
    assert lines[0] == "  row 0: 0.wav: label is 'maybe'"
    assert lines[-1] == "  ... and 3 more" and len(lines) == 21


def test_a_csv_table_that_is_too_large_is_refused_before_it_is_read(tmp_path, limited_memory):
    path = tmp_path / "a.csv"
    path.write_text("file_path,label\n")
    with open(path, "r+b") as file:
        file.truncate(4 << 30)  # takes no space on the disk
    with limited_memory(1 << 30), pytest.raises(InputError, match="manifest has more than 500,000,000 bytes"):
        text_tables.read(path, "manifest")


def test_a_csv_table_of_ten_thousand_columns_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(",".join(f"c{number}" for number in range(10_000)) + "\n")
    with pytest.raises(InputError, match="manifest has 10,000 columns; the limit is 1,000"):
        text_tables.read(path, "manifest")
