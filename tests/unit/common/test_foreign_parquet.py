import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet
import pytest

from hardneg.common import foreign_parquet, text_tables
from hardneg.common.errors import InputError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "manifest.parquet"


def test_every_cell_is_text_and_only_missing_cells_are_empty(path):
    table = pd.DataFrame(
        {
            "name": ["x", None, "NA"],
            "kind": pd.Categorical(["u", None, "u"]),
            "count": pd.array([1, None, 3], "Int64"),
            "share": [0.5, None, 2.0],
            "date": pd.to_datetime(["2025-01-01", "2025-01-02", None]),
            "is_long": [True, False, None],
        }
    )
    table.to_parquet(path)
    read = text_tables.read(path, "manifest")
    assert read.iloc[0].tolist() == ["x", "u", "1", "0.5", "2025-01-01", "True"]
    assert read.iloc[1].tolist() == ["", "", "", "", "2025-01-02", "False"]
    assert read.name.tolist() == ["x", "", "NA"] and read.index.tolist() == [1, 2, 3]


def test_a_named_index_is_a_column(path):
    pd.DataFrame({"label": ["pool"]}, index=pd.Index(["a.wav"], name="file_path")).to_parquet(path)
    assert text_tables.read(path, "manifest").iloc[0].to_dict() == {"file_path": "a.wav", "label": "pool"}


@pytest.mark.parametrize("kind", [pyarrow.string(), pyarrow.large_string(), pyarrow.string_view()], ids=str)
def test_every_kind_of_text_is_read(path, kind):
    texts = pyarrow.array(["x", None, "y"], kind)
    pyarrow.parquet.write_table(pyarrow.table({"name": texts}), path)
    assert text_tables.read(path, "manifest").name.tolist() == ["x", "", "y"]


def test_a_table_without_rows_keeps_its_columns(path):
    pyarrow.parquet.write_table(pyarrow.table({"name": pyarrow.array([], pyarrow.string()), "count": []}), path)
    assert text_tables.read(path, "manifest").to_dict("list") == {"name": [], "count": []}


def test_a_column_that_occurs_twice_is_refused(path):
    pyarrow.parquet.write_table(pyarrow.table([["x"], ["y"]], names=["name", "name"]), path)
    with pytest.raises(InputError, match=r"manifest has the column\(s\) name more than once"):
        text_tables.read(path, "manifest")


def test_what_the_file_says_about_pandas_is_not_believed(path):
    pd.DataFrame({"share": [0.5]}, index=[7]).to_parquet(path)
    table = pyarrow.parquet.read_table(path)
    metadata = {b"pandas": table.schema.metadata[b"pandas"].replace(b"float64", b"float41")}
    pyarrow.parquet.write_table(table.replace_schema_metadata(metadata), path)
    assert text_tables.read(path, "manifest").to_dict("list") == {"share": ["0.5"]}


def write_long_text(path):
    """Write 6 kB that would be 60 GB: one text, 600,000 times."""
    texts = pyarrow.DictionaryArray.from_arrays(pyarrow.array(np.zeros(600_000, np.int32)), ["x" * 100_000])
    pyarrow.parquet.write_table(pyarrow.table({"file_path": texts}), path)


def write_many_rows(path):
    """Write 30 million rows that need no space."""
    rows = pyarrow.table({"label": pyarrow.nulls(10_000_000), "split": pyarrow.nulls(10_000_000)})
    with pyarrow.parquet.ParquetWriter(path, rows.schema) as writer:
        for _ in range(3):
            writer.write_table(rows)


def write_compressed(path):
    """Write 2 GB of one letter."""
    rows = pyarrow.table({"file_path": ["x" * 1_000_000] * 100})
    with pyarrow.parquet.ParquetWriter(path, rows.schema, compression="zstd", use_dictionary=False) as writer:
        for _ in range(21):
            writer.write_table(rows)


def write_many_columns(path):
    pyarrow.parquet.write_table(pyarrow.table({f"c{number}": [1] for number in range(10_000)}), path)


def write_lists(path):
    pyarrow.parquet.write_table(pyarrow.table({"times": [[1, 2]], "bytes": [b"x"]}), path)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (write_long_text, "unpacks to 60,000,000,000 characters; the limit is"),
        (write_many_rows, "has 60,000,000 cells; the limit is"),
        (write_compressed, r"has 2,\d{3},\d{3},\d{3} bytes when unpacked; the limit is"),
        (write_many_columns, "has 10,000 columns; the limit is 1,000"),
        (write_lists, r"column\(s\) times, bytes contain lists"),
    ],
)
def test_a_table_that_would_fill_the_memory_is_refused_before_it_is_unpacked(path, write, message, limited_memory):
    write(path)
    with limited_memory(1 << 30), pytest.raises(InputError, match=f"manifest m {message}|manifest m: the {message}"):
        foreign_parquet.read(path, "manifest m")


def test_a_damaged_table_is_named(path):
    pd.DataFrame({"a": ["x"] * 1000}).to_parquet(path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match=r"manifest\.parquet is damaged"):
        foreign_parquet.read(path, "manifest")
