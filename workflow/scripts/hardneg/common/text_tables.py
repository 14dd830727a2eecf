"""Read the tables that people and other programs write: manifests, answers of reviewers, detections, finished runs.

Every cell stays text, so that ``007`` is not 7, and ``NA`` and ``None`` are names. Only an empty cell is missing.
"""

import csv
import io
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from hardneg.common import foreign_parquet
from hardneg.common.errors import InputError
from hardneg.common.log import logger

LISTED_ROWS = 20
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}
OTHER_DELIMITERS = {"|": "vertical bars", " ": "spaces"}
SEARCHED_LINES = 10
SAMPLED_BYTES = 2000
HEADER_BYTES = 1 << 16
MAX_BYTES = 500_000_000
# The first bytes of files that are not text, or not in an encoding that is read.
SIGNATURES = {
    b"PK\x03\x04": "a spreadsheet (.xlsx or .ods) or a ZIP archive",
    b"\xd0\xcf\x11\xe0": "a spreadsheet (.xls)",
    b"\x1f\x8b": "compressed with gzip",
    b"%PDF": "a PDF",
    b"{\\rtf": "formatted text (.rtf)",
    b"\xff\xfe\x00\x00": "in UTF-32",
    b"\x00\x00\xfe\xff": "in UTF-32",
}
REMEDY = "Save it as CSV in UTF-8."
SEP_LINE = re.compile(r'"?sep=(.)"?[,;\t]*')
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
NUMBER = re.compile(r"[+-]?([0-9]+([.,][0-9]*)?|[.,][0-9]+)([eE][+-]?[0-9]+)?")
# With a single comma, such a number may be written with a separator of thousands: 1,500.
MAYBE_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}")


def read(path: str | os.PathLike[str], source: str, columns: Sequence[str] = ()) -> pd.DataFrame:
    """Read a table as text.

    A CSV file may be in UTF-8 (with or without a byte-order mark), UTF-16 or Windows-1252, with commas, semicolons or
    tabs, and any line ends. A first line ``sep=;``, empty lines, and columns with neither a name nor a value are
    skipped. A ``.parquet`` file is also read as text.

    Parameters
    ----------
    path : the file.
    source : what the table is, for messages, such as ``manifest recordings.csv``.
    columns : the columns that the caller knows. A header that differs from one of them in case or spaces only gets its
        name.

    Returns
    -------
    One row per line that is not empty, in order. Every cell is text; a missing value is ``""``. The index is called
    ``line``: the line of the file at which the row begins. For a Parquet file it is called ``row`` and starts at 1.
    :func:`refuse_rows` shows it in messages.

    Raises
    ------
    InputError
        If the file is not a table, its encoding or delimiter is another, a column occurs twice, or a row does not have
        as many cells as the header. The message names the line.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.csv").write_text("sep=;\\nSite;recorder_id;;\\nNA;007;;\\n")
    ...     read(Path(folder, "a.csv"), "manifest a.csv", ["site"])
         site recorder_id
    line
    3      NA         007
    """
    if Path(path).suffix == ".parquet":
        table = foreign_parquet.read(path, source)
        names = [str(name).strip() for name in table.columns]
        table.columns = pd.Index(_use_known_names(names, columns, source))
        return table
    if Path(path).stat().st_size > MAX_BYTES:
        raise InputError(
            f"{source} has more than {MAX_BYTES:,} bytes, which is too much for a table of text. Divide it."
        )
    text = decode(Path(path).read_bytes(), source)
    first_line, delimiter = _find_header(text, columns, source)
    rows = list(_parse(text, first_line, delimiter, source))
    if not rows:
        raise InputError(f"{source} is empty. {REMEDY}")
    (_, header), *records = rows
    lines = pd.Index([line for line, _ in records], name="line", dtype="int64")
    return _build_table(header, [cells for _, cells in records], lines, columns, source)


def read_header(path: str | os.PathLike[str], source: str, columns: Sequence[str] = ()) -> list[str]:
    """Read only the column names of a table; see :func:`read` for the parameters and errors."""
    with open(path, "rb") as file:
        start = file.read(HEADER_BYTES)
    if len(start) == HEADER_BYTES:  # do not end within a character
        end = start.rfind(b"\n") + 1
        start = start[: end + end % 2] if _detect_utf16(start) else start[:end]
    text = decode(start, source)
    first_line, delimiter = _find_header(text, columns, source)
    _, header = next(_parse(text, first_line, delimiter, source), (0, []))
    return _use_known_names(_strip_names(header), columns, source)


def parse_numbers(table: pd.DataFrame, column: str, source: str) -> pd.Series:
    """Parse a column of :func:`read` as numbers; an empty cell becomes NaN.

    A decimal comma is understood, unless a cell of the same column has a point, or all commas may separate thousands.

    Raises
    ------
    InputError
        If a cell is not a number, or its comma can mean two things. The message lists the rows.

    Examples
    --------
    >>> parse_numbers(pd.DataFrame({"start_s": ["0,5", "12", ""]}), "start_s", "a.csv").tolist()
    [0.5, 12.0, nan]
    """
    texts = table[column].str.strip()
    distinct = pd.Series(texts.unique(), dtype=object)
    with_comma = distinct[distinct.str.contains(",", regex=False)]
    if len(with_comma):
        has_point = distinct.str.contains(".", regex=False).any()
        if has_point or with_comma.str.fullmatch(MAYBE_THOUSANDS).all():
            problem = f"a comma in {column} that may separate thousands or decimals"
            refuse_rows(table, texts.str.contains(",", regex=False), source, problem, [column], "Write points.")
    is_number = texts.isin(distinct[(distinct == "") | distinct.map(NUMBER.fullmatch).notna()])
    refuse_rows(table, ~is_number, source, f"a {column} that is no number", [column])
    return pd.to_numeric(texts.str.replace(",", ".", regex=False), errors="coerce").astype("float64")


def refuse_rows(
    table: pd.DataFrame,
    is_wrong: pd.Series,
    source: str,
    problem: str,
    columns: Sequence[str],
    remedy: str = "Correct them.",
) -> None:
    """Raise an :class:`InputError` that lists the wrong rows, if there are any.

    Parameters
    ----------
    table : from :func:`read`.
    is_wrong : whether each row is wrong.
    source : what the table is.
    problem : what is wrong with a row, to follow "row(s) with".
    columns : the cells to show. A ``file_path`` in the table is always shown.
    remedy : what to do.
    """
    if is_wrong.any():
        raise InputError(
            f"{source}: {is_wrong.sum()} row(s) with {problem}. {remedy}\n{list_rows(table[is_wrong], columns)}"
        )


def list_rows(table: pd.DataFrame, columns: Sequence[str]) -> str:
    """List the first rows of a table for a message, each with its line, its ``file_path`` and the cells of `columns`.

    >>> print(list_rows(pd.DataFrame({"file_path": ["a.wav"], "label": ["maybe"]}), ["label"]))
      row 0: a.wav: label is 'maybe'
    """
    kind, path = table.index.name or "row", "file_path"
    lines = []
    for number, row in table.head(LISTED_ROWS).iterrows():
        cells = ", ".join(f"{name} is '{row[name]}'" for name in columns if name != path)
        parts = [f"  {kind} {number}", *([row[path]] if path in table.columns else []), *([cells] if cells else [])]
        lines.append(": ".join(map(str, parts)))
    hidden = len(table) - LISTED_ROWS
    return "\n".join(lines + [f"  ... and {hidden} more"] * (hidden > 0))


def decode(content: bytes, source: str) -> str:
    """Decode the bytes of a table: UTF-8, UTF-16 or, with a warning, Windows-1252.

    Raises
    ------
    InputError
        If the bytes are no text, or text in another encoding.
    """
    for signature, kind in SIGNATURES.items():
        if content.startswith(signature):
            raise InputError(f"{source} is {kind}, which cannot be read. {REMEDY}")
    encoding = _detect_utf16(content) or "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8-sig":
            raise InputError(f"{source} is neither UTF-8 nor UTF-16 text ({error.reason}). {REMEDY}") from None
        text = _decode_windows(content, error.start, source)
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError(f"{source} is no text: line {line} contains a zero byte. {REMEDY}")
    return text


def _detect_utf16(content: bytes) -> str:
    """Return the name of UTF-16, or ``""``. Without a byte-order mark, every second byte of most text is zero."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    even, odd = content[0:SAMPLED_BYTES:2], content[1:SAMPLED_BYTES:2]
    for encoding, zeros, others in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if zeros.count(0) > len(zeros) / 2 and not others.count(0):
            return encoding
    return ""


def _decode_windows(content: bytes, first_error: int, source: str) -> str:
    line = content.count(b"\n", 0, first_error) + 1
    escaped = content.decode("utf-8", "surrogateescape")
    if any(character > "\x7f" and not "\udc80" <= character <= "\udcff" for character in set(escaped)):
        raise InputError(f"{source} mixes UTF-8 with another encoding: line {line} is not UTF-8. {REMEDY}")
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"{source} is neither UTF-8 nor Windows-1252 text: see line {line}. {REMEDY}") from None
    if CONTROL.search(text):
        raise InputError(f"{source} is no text: line {line} contains bytes that are no letters. {REMEDY}")
    logger.warning(
        "%s is not UTF-8 (line %d), so it is read as Windows-1252. If names look wrong, save it as UTF-8.", source, line
    )
    return text


def _find_header(text: str, columns: Sequence[str], source: str) -> tuple[int, str]:
    """Find the first line of the table, counted from 0, and its delimiter."""
    lines = [(number, line) for number, line in enumerate(io.StringIO(text, newline="")) if line.strip(" \n\r,;\t")]
    for number, line in lines[:1]:
        match = SEP_LINE.fullmatch(line.strip(" \r\n"))
        if match:
            if match[1] not in DELIMITERS:
                raise InputError(f"{source} names '{match[1]}' as its delimiter. Save it with commas.")
            return number + 1, match[1]
    if not lines:
        return 0, ","
    first, header = lines[0]
    delimiter = _detect_delimiter(header, columns)
    if columns and not _count_known(header, delimiter, columns):
        for other, name in OTHER_DELIMITERS.items():
            if _count_known(header, other, columns) > 1:
                raise InputError(f"{source} has its columns separated by {name}. Save it with commas.")
        for number, line in lines[1:SEARCHED_LINES]:
            if _count_known(line, _detect_delimiter(line, columns), columns) > 1:
                raise InputError(
                    f"{source} has its column names in line {number + 1}, not in the first. Delete the lines above."
                )
    return first, delimiter


def _detect_delimiter(header: str, columns: Sequence[str]) -> str:
    """Return the delimiter that divides a line into the most known columns, then into the most cells."""
    return max(DELIMITERS, key=lambda delimiter: (_count_known(header, delimiter, columns), header.count(delimiter)))


def _count_known(line: str, delimiter: str, columns: Sequence[str]) -> int:
    known = set(map(_normalize_name, columns))
    return len({_normalize_name(cell.strip('"')) for cell in line.strip("\r\n").split(delimiter)} & known)


def _parse(text: str, first_line: int, delimiter: str, source: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not empty, from the header on, each with the line at which it begins."""
    file = io.StringIO(text, newline="")
    for _ in range(first_line):
        next(file, None)
    rows = csv.reader(file, delimiter=delimiter, strict=True)
    begin = first_line + 1
    try:
        for row in rows:
            if any(cell and not cell.isspace() for cell in row):
                yield begin, row
            begin = first_line + rows.line_num + 1
    except csv.Error as error:
        raise InputError(f"{source} cannot be read as a table: line {begin}: {error}. {REMEDY}") from error


def _build_table(
    header: list[str], cells: list[list[str]], lines: pd.Index, columns: Sequence[str], source: str
) -> pd.DataFrame:
    width = len(header)
    if width > foreign_parquet.MAX_COLUMNS:
        limit = foreign_parquet.MAX_COLUMNS
        raise InputError(f"{source} has {width:,} columns; the limit is {limit:,}. Keep those that you need.")
    # A row that is longer by an empty cell is refused too: a comma in its first cell may have moved all others.
    ragged = [f"  line {line}: {len(row)} cells" for line, row in zip(lines, cells, strict=True) if len(row) != width]
    if ragged:
        listed = "\n".join(ragged[:LISTED_ROWS])
        raise InputError(
            f"{source}: {len(ragged)} line(s) do not have {width} cells like the header. "
            f"Quote cells that contain the delimiter.\n{listed}"
        )
    names = _use_known_names(_strip_names(header), columns, source)
    table = pd.DataFrame(cells, columns=range(width), index=lines, dtype=object)
    for position in [position for position, name in enumerate(names) if not name]:
        has_value = table[position].str.strip() != ""
        if has_value.any():
            raise InputError(
                f"{source}: column {position + 1} has no name, but line {table.index[has_value][0]} has "
                f"'{table[position][has_value].iloc[0]}' in it. Name the column, or delete it."
            )
    table = table[[position for position, name in enumerate(names) if name]]
    table.columns = pd.Index([name for name in names if name])
    return table


def _strip_names(header: list[str]) -> list[str]:
    return [name.strip(" \t\r\n\xa0\ufeff") for name in header]


def _use_known_names(names: list[str], columns: Sequence[str], source: str) -> list[str]:
    """Replace the names that differ from known ones in case or spaces only, and refuse repeated names."""
    known = {_normalize_name(column): column for column in columns}
    names = [known.get(_normalize_name(name), name) for name in names]
    repeated = sorted({name for name in names if name and names.count(name) > 1})
    if repeated:
        raise InputError(f"{source} has the column(s) {', '.join(repeated)} more than once. Keep one of each.")
    return names


def _normalize_name(name: str) -> str:
    return "".join(name.casefold().split())
