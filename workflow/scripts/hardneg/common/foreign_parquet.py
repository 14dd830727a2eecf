"""Read a Parquet file from a stranger as text, without letting it fill the memory.

A few megabytes of Parquet can hold a billion rows, or one long text a million times. Its footer states how many rows
and columns it has. Texts are read as a dictionary, in which each different text is stored once.
"""

import os
import re

import pandas as pd
import pyarrow
import pyarrow.compute
import pyarrow.parquet

from hardneg.common.errors import InputError, name_damaged_file

# Types that have missing values in pandas, so that 1 does not become 1.0 beside one.
NULLABLE = {pyarrow.bool_(): pd.BooleanDtype()} | {
    getattr(pyarrow, f"{kind}{bits}".lower())(): getattr(pd, f"{kind}{bits}Dtype")()
    for kind in ("Int", "UInt")
    for bits in (8, 16, 32, 64)
}
UNNAMED_INDEX = re.compile(r"__index_level_\d+__")  # pandas' name for it
MAX_COLUMNS = 1000
MAX_CELLS = 50_000_000
MAX_UNPACKED_BYTES = 2_000_000_000
MAX_CHARACTERS = 2_000_000_000  # of all cells together


def read(path: str | os.PathLike[str], source: str) -> pd.DataFrame:
    """Read a Parquet table as text.

    Parameters
    ----------
    path : the file.
    source : what the table is, for messages.

    Returns
    -------
    Every cell is text; a missing value is ``""``. The index is called ``row`` and starts at 1.

    Raises
    ------
    InputError
        If the file is damaged or too large, or if a column contains anything but texts, numbers, times and yes or no.
    """
    with name_damaged_file(path):
        file = pyarrow.parquet.ParquetFile(path, page_checksum_verification=True)
        _check_footer(file.metadata, source)
        texts = [field.name for field in file.schema_arrow if _is_text(field.type)]
        others = [field.name for field in file.schema_arrow if not _is_text(field.type) and not _is_simple(field.type)]
        if others:
            raise InputError(
                f"{source}: the column(s) {', '.join(others)[:300]} contain lists, structures or bytes. Keep columns "
                "of text and numbers."
            )
        table = pyarrow.parquet.ParquetFile(
            path, metadata=file.metadata, page_checksum_verification=True, read_dictionary=texts
        ).read()
        characters = sum(map(_count_characters, table.columns))
        if characters > MAX_CHARACTERS:
            raise InputError(f"{source} unpacks to {characters:,} characters; the limit is {MAX_CHARACTERS:,}.")
        # pandas' own metadata would come from the stranger too. Without it, a named index is a column.
        frame = table.to_pandas(ignore_metadata=True, types_mapper=NULLABLE.get)
    frame.index = pd.RangeIndex(1, len(frame) + 1, name="row")
    return frame.loc[:, [not UNNAMED_INDEX.fullmatch(str(name)) for name in frame.columns]].apply(_to_text)


def _check_footer(footer: pyarrow.parquet.FileMetaData, source: str) -> None:
    unpacked = sum(footer.row_group(group).total_byte_size for group in range(footer.num_row_groups))
    for count, limit, unit in (
        (footer.num_columns, MAX_COLUMNS, "columns"),
        (footer.num_columns * footer.num_rows, MAX_CELLS, "cells"),
        (unpacked, MAX_UNPACKED_BYTES, "bytes when unpacked"),
    ):
        if count > limit:
            raise InputError(f"{source} has {count:,} {unit}; the limit is {limit:,}. Keep what you need of it.")


def _is_text(kind: pyarrow.DataType) -> bool:
    value = kind.value_type if pyarrow.types.is_dictionary(kind) else kind
    return bool(pyarrow.types.is_string(value) or pyarrow.types.is_large_string(value))


def _is_simple(kind: pyarrow.DataType) -> bool:
    return not pyarrow.types.is_nested(kind) and not any(
        test(kind)
        for test in (
            pyarrow.types.is_binary,
            pyarrow.types.is_large_binary,
            pyarrow.types.is_fixed_size_binary,
            pyarrow.types.is_dictionary,
        )
    )


def _count_characters(column: pyarrow.ChunkedArray) -> int:
    """Count the bytes of all texts in a column, from the length of each different one; 0 for numbers and times."""
    if not pyarrow.types.is_dictionary(column.type):
        return 0
    total = 0
    for chunk in column.chunks:
        lengths = pyarrow.compute.binary_length(chunk.dictionary).cast(pyarrow.int64())
        total += pyarrow.compute.sum(lengths.take(chunk.indices)).as_py() or 0
    return total


def _to_text(column: pd.Series) -> pd.Series:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.astype(object).fillna("")
    return column.astype("string").fillna("").astype(object)
