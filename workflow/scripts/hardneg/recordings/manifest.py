"""The manifest is the user's list of recordings: read it, complete it, and refuse rows that cannot be valid."""

import os
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from hardneg.common import text_tables
from hardneg.common.errors import InputError
from hardneg.common.hashing import uniform
from hardneg.recordings import stretches
from hardneg.recordings.nights import (
    NOON,
    find_nights,
    format_dates,
    name_recorder_nights,
    parse_dates,
    parse_times,
    read_times_in_names,
)

LABELS = ("positive", "negative")
POOL = "pool"
# Recordings held out of the pool. They are never mined, and every run is tested on them.
TEST_POOL = "test_pool"
MINED = "mined"  # in the scores of a run: the mined files that it trained on
TEST_SPLITS = ("test_iid", "test_ood")
EVALUATED_SPLITS = (*TEST_SPLITS, TEST_POOL)
SPLITS = ("train", "val", *TEST_SPLITS, POOL, TEST_POOL)
QUALITIES = ("high", "medium", "low")
COLUMNS = ("file_path", "label", "split", "quality", "call_type", "site", "recorder_id", "date", "night")
# Columns that the workflow computes. A user's column with such a name gets a prefix.
COMPUTED_COLUMNS = (
    "group", "shard", "duration_s", "sample_rate", "channels", "sha256", "peak", "clipped_share", "dc_offset",
    "flat_share", "silences", "flags", "reason", "stretches",
)  # fmt: skip
# Columns that must agree in all rows of one file.
FILE_COLUMNS = ("label", "split", "recorder_id", "date", "night", "site")
REQUIRED_COLUMNS = ("file_path", "label", "recorder_id")
# Columns whose values name things in the field. Two spellings of one name would be two things.
NAME_COLUMNS = ("recorder_id", "site")


@dataclass(frozen=True, slots=True)
class SplitSettings:
    """Settings for assigning rows without a split.

    Attributes
    ----------
    ood_sites : sites that go to ``test_ood`` as a whole.
    validation_fraction : share of the other recorder-nights that goes to ``val``, in [0, 1].
    iid_fraction : share of the other recorder-nights that goes to ``test_iid``, in [0, 1].
    night_begins : time of day at which a recorder-night begins, ``HH:MM``; see :func:`read`.
    pool_test_fraction : share of the pool's recorder-nights that goes to ``test_pool``, in [0, 1).
    rotate : how sites are held out in turn; see :mod:`hardneg.recordings.rotation`. This function ignores it.
    as_fold : whether this is one turn of a rotation: `ood_sites` then decide ``test_ood`` alone, and the pool's
        recordings at these sites go to ``test_pool``.
    """

    ood_sites: list[str]
    validation_fraction: float
    iid_fraction: float
    night_begins: str = NOON
    pool_test_fraction: float = 0.0
    rotate: str | list[list[str]] = ""
    as_fold: bool = False


def read(path: str | os.PathLike[str], night_begins: str = NOON) -> pd.DataFrame:
    """Read a manifest as text, with the columns of :data:`COLUMNS` first.

    :func:`hardneg.common.text_tables.read` reads it. Labels, splits and qualities lose spaces and capitals. An empty
    ``date`` is read from the file name; see :func:`hardneg.recordings.nights.read_times_in_names`. An
    empty ``night`` follows from the date and the time of day, which is in a column ``time`` or in the file name; see
    :func:`hardneg.recordings.nights.find_nights`. ``group`` is the unit that is never divided:
    the recorder-night, or the recorder if the night is unknown.

    Parameters
    ----------
    path : CSV or Parquet file with one row per recording.
    night_begins : time of day at which a night begins, ``HH:MM``.

    Returns
    -------
    One row per row of the file, in the same order. Every column is text; unknown values are ``""``. Additional columns
    stay, but ``listed_`` precedes the name of a column that the workflow computes (:data:`COMPUTED_COLUMNS`). Rows of
    one file with ``start_s`` and ``end_s`` become one; see :func:`hardneg.recordings.stretches.join_rows_of_files`.

    Raises
    ------
    InputError
        If the file cannot be read as a table, or a required column is missing. If a label, split, quality, date, night
        or time is not valid. If rows of one file differ in a column of :data:`FILE_COLUMNS`. If two recorders or two
        sites differ in case or spaces only. The message lists the rows.
    """
    if not Path(path).is_file():
        raise InputError(f"manifest {path} does not exist. Correct 'manifest' in the configuration.")
    table = text_tables.read(path, f"manifest {path}", (*COLUMNS, "time", *stretches.COLUMNS))
    return complete(table, str(path), night_begins)


def complete(table: pd.DataFrame, source: str, night_begins: str = NOON) -> pd.DataFrame:
    """Complete a manifest that is already a table of text; see :func:`read`. `source` names it in messages.

    Examples
    --------
    >>> row = {"file_path": "A1/20250313_023000.WAV", "label": " Positive", "recorder_id": "A1"}
    >>> table = complete(pd.DataFrame([row]), "manifest.csv")
    >>> table[["label", "date", "group"]]
          label        date          group
    0  positive  2025-03-13  A1@2025-03-12
    """
    missing = [column for column in REQUIRED_COLUMNS if column not in table.columns]
    if missing:
        raise InputError(
            f"manifest {source} lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}; "
            f"it has: {', '.join(map(str, table.columns))}. Add what is missing."
        )
    table = table.rename(columns={column: f"listed_{column}" for column in COMPUTED_COLUMNS})
    if table.index.name is None:
        table = table.set_axis(pd.RangeIndex(1, len(table) + 1, name="row"))
    for column in COLUMNS:
        table[column] = table[column].str.strip() if column in table.columns else ""
    for column in ("label", "split", "quality"):
        table[column] = table[column].str.lower()
    _refuse_rows(table, ~table.label.isin(LABELS), "label", LABELS, source)
    _refuse_rows(table, ~table.split.isin(("", *SPLITS)), "split", SPLITS, source)
    _refuse_rows(table, ~table.quality.isin(("", *QUALITIES)), "quality", QUALITIES, source)
    _refuse_rows(table, table.recorder_id == "", "recorder_id", ("a recorder's name",), source)
    _complete_nights(table, source, night_begins)
    has_stretches = bool(set(stretches.COLUMNS) & set(table.columns))
    # One file may have stretches of both labels.
    _refuse_contradictions(table, FILE_COLUMNS[1:] if has_stretches else FILE_COLUMNS, source)
    if has_stretches:
        table = stretches.join_rows_of_files(table, source)
        _refuse_contradictions(table, FILE_COLUMNS, source)
    for column in NAME_COLUMNS:
        _refuse_spellings(table, column, source)
    table["group"] = name_recorder_nights(table)
    return table.reset_index(drop=True)[[*COLUMNS, "group", *table.columns.difference([*COLUMNS, "group"], sort=False)]]


def assign_splits(table: pd.DataFrame, settings: SplitSettings) -> pd.DataFrame:
    """Fill the empty splits: whole sites go to ``test_ood``, then a stable hash divides the recorder-nights.

    Another hash holds recorder-nights of the pool out for ``test_pool``, unless the manifest names that split itself.
    A row's split depends only on its site and recorder-night, so rows that you add later change no earlier split. The
    exception are few recorder-nights: if the hash gives none to ``train`` or to ``val``, one goes there.

    Parameters
    ----------
    table : a manifest from :func:`read`.

    Returns
    -------
    The manifest with no empty ``split``.
    """
    if settings.as_fold:
        table = table.assign(split=table.split.mask(table.split == "test_ood", ""))
        at_ood_sites = table.site.isin(settings.ood_sites)
        table = table.assign(split=table.split.mask(at_ood_sites & ~table.split.isin((POOL, TEST_POOL)), ""))
    empty = table.split == ""
    is_ood = empty & table.site.isin(settings.ood_sites)
    groups = table.group[empty & ~is_ood].unique()
    draws = pd.Series(uniform(list(groups), "split"), index=groups)
    splits = pd.Series("train", index=groups)
    splits[draws < settings.validation_fraction + settings.iid_fraction] = "test_iid"
    splits[draws < settings.validation_fraction] = "val"
    if len(groups) > 1 and settings.validation_fraction and "val" not in {*table.split, *splits}:
        splits[draws.idxmin()] = "val"
    if len(groups) and "train" not in {*table.split, *splits}:
        splits[draws.idxmax()] = "train"
    table = table.copy()
    table.loc[is_ood, "split"] = "test_ood"
    table.loc[empty & ~is_ood, "split"] = table.group.map(splits)
    if settings.pool_test_fraction and not (table.split == TEST_POOL).any():
        table.loc[_draw_pool_test(table, settings.pool_test_fraction), "split"] = TEST_POOL
    if settings.as_fold:
        table.loc[(table.split == POOL) & table.site.isin(settings.ood_sites), "split"] = TEST_POOL
    return table


def _draw_pool_test(table: pd.DataFrame, fraction: float) -> pd.Series:
    """Mark the rows of the pool to hold out. The recorder-night with the highest draw always stays to be mined."""
    groups = table.group[table.split == POOL].unique()
    draws = uniform(list(groups), "pool test")
    held_out = groups[(draws < fraction) & (draws < draws.max(initial=0.0))]
    return (table.split == POOL) & table.group.isin(held_out)


def _complete_nights(table: pd.DataFrame, source: str, night_begins: str) -> None:
    """Fill in ``date`` and ``night``, and write every date in one spelling."""
    for column in ("date", "night"):
        parsed = parse_dates(table[column])
        _refuse_rows(table, (table[column] != "") & parsed.isna(), column, ("YYYY-MM-DD",), source)
        table[column] = format_dates(parsed)
    if "time" in table.columns:
        table["time"] = table.time.str.strip()
        times = parse_times(table.time)
        _refuse_rows(table, (table.time != "") & times.isna(), "time", ("HH:MM", "HH:MM:SS"), source)
    else:
        times = pd.Series(pd.NaT, index=table.index, dtype="timedelta64[ns]")
    recorded_at = read_times_in_names(table.file_path)
    table["date"] = table.date.where(table.date != "", format_dates(recorded_at))
    nights = format_dates(find_nights(parse_dates(table.date), times, recorded_at, night_begins))
    table["night"] = table.night.where(table.night != "", nights)


def _refuse_contradictions(table: pd.DataFrame, columns: Sequence[str], source: str) -> None:
    """Refuse rows of one file that differ in one of these columns."""
    repeated = table[table.file_path.duplicated(keep=False) & (table.file_path != "")]
    if repeated.empty:
        return
    differs = repeated.groupby("file_path")[list(columns)].transform("nunique").gt(1)
    is_wrong = differs.any(axis=1).reindex(table.index, fill_value=False)
    different = " and ".join(differs.columns[differs.any()])
    _refuse_rows(table, is_wrong, different, ("the same in all rows of one file",), source)


def _refuse_spellings(table: pd.DataFrame, column: str, source: str) -> None:
    """Refuse names that differ in case, spaces or the form of their accents only."""
    names = pd.Series(table[column].unique(), dtype=object)
    plain = names.map(lambda name: "".join(unicodedata.normalize("NFC", name).casefold().split()))
    variants = set(names[plain.duplicated(keep=False)])
    if variants:
        rows = (
            table[table[column].isin(variants)]
            .drop_duplicates(column)
            .sort_values(column, key=lambda cells: cells.str.casefold())
        )
        raise InputError(
            f"manifest {source}: names in {column} differ in case or spaces only. Write each name in one way, or "
            f"give different things different names.\n{text_tables.list_rows(rows, [column])}"
        )


def _refuse_rows(table: pd.DataFrame, is_wrong: pd.Series, column: str, allowed: tuple[str, ...], source: str) -> None:
    """Raise an error that lists the wrong rows, if there are any; `column` may join several names by " and "."""
    problem = f"a wrong {column}; it must be {' or '.join(allowed)}"
    text_tables.refuse_rows(table, is_wrong, f"manifest {source}", problem, column.split(" and "))
