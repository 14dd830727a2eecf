"""The list of recordings that a person wrote: read it, complete it, and refuse what cannot be meant."""

import csv
import os
from pathlib import Path
from typing import TextIO

import pandas as pd

from hardneg.common.errors import InputError
from hardneg.common.hashing import uniform
from hardneg.recordings.nights import name_recorder_nights, parse_audiomoth_date

LABELS = ("positive", "negative")
TEST_SPLITS = ("test_iid", "test_ood")
SPLITS = ("train", "val", *TEST_SPLITS, "pool")
QUALITIES = ("high", "medium", "low")
COLUMNS = ("file_path", "label", "split", "quality", "call_type", "site", "recorder_id", "date")
MEASURED = (
    "group", "shard", "duration_s", "sample_rate", "channels", "sha256", "peak", "clipped_share", "dc_offset",
    "flat_share", "flags", "reason",
)  # fmt: skip
OF_ONE_FILE = ("label", "split", "recorder_id", "date", "site")
REQUIRED = ("file_path", "label", "recorder_id")


def read(path: str | os.PathLike) -> pd.DataFrame:
    """Read a manifest as text, with the columns of :data:`COLUMNS` first.

    Labels, splits and qualities are stripped and put in lower case. An empty ``date`` is read from an AudioMoth
    file name (``YYYYMMDD_HHMMSS.WAV``, with a ``T`` suffix or a prefix too). ``group`` is the unit that must
    never be split: the recorder-date, or the recorder where the date is unknown.

    Parameters
    ----------
    path : CSV or Parquet, one row per audio file.

    Returns
    -------
    One row per row of the file, in its order, every column text; what is unknown is ``""``. Columns of one's own are
    kept; one that is called as the workflow calls what it measures (:data:`MEASURED`) is renamed ``listed_...``.

    Raises
    ------
    InputError
        If the file or a required column is missing, a label, split, quality or date is not one that exists, or rows of
        one file differ in what a file has one of (:data:`OF_ONE_FILE`); the message lists the rows.
    """
    if not Path(path).is_file():
        raise InputError(f"manifest {path} does not exist: give its path as 'manifest' in the config.")
    return complete(_read_text(path), str(path))


def complete(table: pd.DataFrame, source: str) -> pd.DataFrame:
    """Complete a manifest that is already a table of text; see :func:`read`. `source` names it in messages."""
    missing = [column for column in REQUIRED if column not in table.columns]
    if missing:
        raise InputError(
            f"manifest {source} lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}; "
            f"it has: {', '.join(map(str, table.columns))}."
        )
    table = table.rename(columns={column: f"listed_{column}" for column in MEASURED})
    for column in COLUMNS:
        table[column] = table[column].str.strip() if column in table.columns else ""
    for column in ("label", "split", "quality"):
        table[column] = table[column].str.lower()
    _refuse(table, ~table.label.isin(LABELS), "label", LABELS, source)
    _refuse(table, ~table.split.isin(("", *SPLITS)), "split", SPLITS, source)
    _refuse(table, ~table.quality.isin(("", *QUALITIES)), "quality", QUALITIES, source)
    _refuse(table, table.recorder_id == "", "recorder_id", ("a recorder's name",), source)
    table["date"] = table.date.where(table.date != "", table.file_path.map(parse_audiomoth_date))
    parsed = pd.to_datetime(table.date.where(table.date != ""), format="%Y-%m-%d", errors="coerce")
    _refuse(table, (table.date != "") & parsed.isna(), "date", ("YYYY-MM-DD",), source)
    _refuse_two_of_one_file(table, source)
    table["group"] = name_recorder_nights(table)
    return table[[*COLUMNS, "group", *table.columns.difference([*COLUMNS, "group"], sort=False)]]


def assign_splits(
    table: pd.DataFrame, ood_sites: list[str], validation_fraction: float, iid_fraction: float
) -> pd.DataFrame:
    """Fill the empty splits: whole sites to ``test_ood``, then whole recorder-dates by a stable hash.

    A row's split depends on its own site and recorder-date alone, so that rows which come later move none.

    Parameters
    ----------
    table : a manifest from :func:`read`.
    ood_sites : sites to hold out whole.
    validation_fraction, iid_fraction : shares of the remaining recorder-dates, in [0, 1].

    Returns
    -------
    The manifest with no empty ``split``.
    """
    empty = table.split == ""
    groups = table.group[empty].unique()
    draw = table.group.map(dict(zip(groups, uniform(list(groups), "split"), strict=True)))
    table = table.copy()
    table.loc[empty, "split"] = "train"
    table.loc[empty & (draw < validation_fraction + iid_fraction), "split"] = "test_iid"
    table.loc[empty & (draw < validation_fraction), "split"] = "val"
    table.loc[empty & table.site.isin(ood_sites), "split"] = "test_ood"
    return table


def _read_text(path: str | os.PathLike) -> pd.DataFrame:
    if Path(path).suffix == ".parquet":
        return pd.read_parquet(path).astype("string").fillna("").astype(object)
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, delimiter=_delimiter(file), strict=True)
            header = [name.strip() for name in next(rows, [])]
            cells = [(rows.line_num, row) for row in rows if any(cell.strip() for cell in row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"manifest {path} cannot be read as a table ({error}): save it as CSV in UTF-8.") from error
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise InputError(f"manifest {path} has the column(s) {', '.join(twice)} more than once: keep one of each.")
    ragged = [f"  line {line}: {len(row)} cells" for line, row in cells if len(row) != len(header)]
    if ragged:
        listing = "\n".join(ragged[:20])
        raise InputError(f"manifest {path}: {len(ragged)} line(s) have not {len(header)} cells:\n{listing}")
    return pd.DataFrame([row for _, row in cells], columns=header, dtype=object)


def _delimiter(file: TextIO) -> str:
    """The one of comma, semicolon and tab that the header holds most of."""
    header = file.readline()
    file.seek(0)
    return max(",;\t", key=header.count)


def _refuse_two_of_one_file(table: pd.DataFrame, source: str) -> None:
    repeated = table[table.file_path.duplicated(keep=False) & (table.file_path != "")]
    if repeated.empty:
        return
    differ = repeated.groupby("file_path")[list(OF_ONE_FILE)].transform("nunique").gt(1)
    wrong = differ.any(axis=1).reindex(table.index, fill_value=False)
    columns = " and ".join(differ.columns[differ.any()])
    _refuse(table, wrong, columns, ("the same in all rows of one file",), source)


def _refuse(table: pd.DataFrame, wrong: pd.Series, column: str, allowed: tuple, source: str) -> None:
    if wrong.any():
        rows = "\n".join(
            f"  row {row + 2}: {table.file_path[row]}: "
            + ", ".join(f"{name} is '{table[name][row]}'" for name in column.split(" and "))
            for row in table.index[wrong][:20]
        )
        raise InputError(
            f"manifest {source}: {wrong.sum()} row(s) with a wrong {column}; it must be {' or '.join(allowed)}.\n{rows}"
        )
