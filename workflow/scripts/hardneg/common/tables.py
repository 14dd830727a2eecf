"""Read and write tables: Parquet inside the workflow, CSV where a person reads them."""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pyarrow
import pyarrow.compute
import pyarrow.parquet

from hardneg.common.files import atomic_write, write_text


def read(path: str | os.PathLike, columns: list[str] | None = None) -> pd.DataFrame:
    """Read a ``.parquet`` or ``.csv`` table; in CSV, text stays text and an empty cell is missing."""
    if Path(path).suffix == ".parquet":
        return pd.read_parquet(path, columns=columns)
    return pd.read_csv(path, usecols=columns)


def read_rows_of_files(path: str | os.PathLike, file_paths: Iterable[str]) -> pd.DataFrame:
    """Read the rows of a ``.parquet`` table that are of these files, without holding the others."""
    wanted = pyarrow.array(file_paths, pyarrow.large_string())
    return pd.read_parquet(path, filters=pyarrow.compute.field("file_path").isin(wanted))


def write(table: pd.DataFrame, path: str | os.PathLike) -> None:
    """Write `table` without its index to ``.parquet`` or ``.csv``, whole or not at all."""
    with atomic_write(path) as draft:
        if Path(path).suffix == ".parquet":
            table.to_parquet(draft, index=False)
        else:
            table.to_csv(draft, index=False, lineterminator="\n")


@contextmanager
def parquet_appender(path: str | os.PathLike) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Give a function that adds rows to a ``.parquet`` table, a group of rows each, so that it is never held whole.

    All parts must have the columns and types of the first that holds a row.
    """
    writer, empty = None, None

    def append(rows: pd.DataFrame) -> None:
        nonlocal writer, empty
        if rows.empty:  # may lack types
            empty = rows
            return
        group = pyarrow.Table.from_pandas(rows, schema=writer and writer.schema, preserve_index=False)
        writer = writer or pyarrow.parquet.ParquetWriter(draft, group.schema)
        writer.write_table(group)

    with atomic_write(path) as draft:
        try:
            yield append
        finally:
            if writer:
                writer.close()
        if not writer:
            empty.to_parquet(draft, index=False)


def read_json(path: str | os.PathLike) -> dict:
    """Read a JSON object."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def write_json(value: dict, path: str | os.PathLike) -> None:
    """Write a JSON object, indented, whole or not at all."""
    write_text(json.dumps(value, indent=2) + "\n", path)
