"""Read and write tables: Parquet inside the workflow, CSV for people."""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow
import pyarrow.compute
import pyarrow.parquet

from hardneg.common.errors import InputError, name_damaged_file
from hardneg.common.files import atomic_write, write_text
from hardneg.common.formulas import escape_formulas, unescape_formulas

# Columns whose values the user names.
NAME_COLUMNS = (
    "file_path", "recorder_id", "site", "group", "quality", "call_type", "positive_subset", "negative_tier",
    "validation", "value", "baseline", "level", "reference",
)  # fmt: skip


def read(path: str | os.PathLike[str], columns: list[str] | None = None) -> pd.DataFrame:
    """Read a ``.parquet`` or ``.csv`` table of the workflow.

    In a CSV file only empty cells are missing values, and the columns of :data:`NAME_COLUMNS` are text: a recorder 007
    is not 7, and a tier may be called None. :mod:`hardneg.common.text_tables` reads the tables of other people.

    Raises
    ------
    InputError
        If the file is damaged.
    """
    with name_damaged_file(path):
        if Path(path).suffix == ".parquet":
            return pd.read_parquet(path, columns=columns, page_checksum_verification=True)
        dtypes = dict.fromkeys(NAME_COLUMNS, str)
        table = pd.read_csv(path, usecols=columns, dtype=dtypes, keep_default_na=False, na_values=[""])
        return unescape_formulas(table)


def read_rows_of_files(path: str | os.PathLike[str], file_paths: Iterable[str]) -> pd.DataFrame:
    """Read the rows of these files from a ``.parquet`` table, without loading the other rows."""
    selected = pyarrow.array(list(file_paths), pyarrow.large_string())
    return read_rows(path, pyarrow.compute.field("file_path").isin(selected))


def read_rows(path: str | os.PathLike[str], is_selected: pyarrow.compute.Expression) -> pd.DataFrame:
    """Read the rows of a ``.parquet`` table for which an expression is true. Row groups without any are skipped."""
    with name_damaged_file(path):
        return pd.read_parquet(path, filters=is_selected, page_checksum_verification=True)


def write(table: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write `table` without its index to ``.parquet`` or ``.csv``, completely or not at all."""
    with atomic_write(path) as draft:
        if Path(path).suffix == ".parquet":
            table.to_parquet(draft, index=False, write_page_checksum=True)
        else:
            escape_formulas(table).to_csv(draft, index=False, lineterminator="\n")


@contextmanager
def parquet_appender(path: str | os.PathLike[str]) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Yield a function that appends rows to a ``.parquet`` table, so that the whole table is never in memory.

    Each call writes one row group. Every part must have the columns and types of the first part that has rows.
    """
    writer = None
    empty = pd.DataFrame()

    def append(rows: pd.DataFrame) -> None:
        nonlocal writer, empty
        if rows.empty:  # its columns may have no types
            empty = rows
            return
        group = pyarrow.Table.from_pandas(rows, schema=writer and writer.schema, preserve_index=False)
        writer = writer or pyarrow.parquet.ParquetWriter(draft, group.schema, write_page_checksum=True)
        writer.write_table(group)

    with atomic_write(path) as draft:
        try:
            yield append
        finally:
            if writer:
                writer.close()
        if not writer:
            empty.to_parquet(draft, index=False, write_page_checksum=True)


def read_json(path: str | os.PathLike[str], max_bytes: int | None = None) -> dict[str, Any]:
    """Read a JSON object.

    Parameters
    ----------
    max_bytes : for a file from a stranger, the size that is read; None for any size.

    Raises
    ------
    InputError
        If the file is damaged or too large.
    """
    if max_bytes is not None and Path(path).stat().st_size > max_bytes:
        raise InputError(f"{path} has more than {max_bytes:,} bytes, so it is not what it should be.")
    with name_damaged_file(path):
        value = json.loads(Path(path).read_text(encoding="utf-8"))
        if not isinstance(value, dict):
            raise ValueError("it contains no JSON object")
    return value


def write_json(value: dict[str, Any], path: str | os.PathLike[str]) -> None:
    """Write a JSON object with indentation, completely or not at all."""
    write_text(json.dumps(value, indent=2) + "\n", path)
