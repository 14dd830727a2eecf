"""Read and write tables of detections and of annotations: those of BirdNET-Analyzer, Raven and Audacity, and CSV."""

import os
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from hardneg.common import text_tables
from hardneg.common.errors import InputError
from hardneg.common.files import atomic_write
from hardneg.common.formulas import escape_formulas

CSV_SUFFIX, RAVEN_SUFFIX = ".BirdNET.results.csv", ".BirdNET.selection.table.txt"
CSV_COLUMNS = ["Start (s)", "End (s)", "Scientific name", "Common name", "Confidence", "File"]
RAVEN_COLUMNS = [
    "Selection", "View", "Channel", "Begin Time (s)", "End Time (s)", "Low Freq (Hz)", "High Freq (Hz)", "Common Name",
    "Species Code", "Confidence", "Begin Path", "File Offset (s)",
]  # fmt: skip
# What programs append to the name of a recording to name its table.
AUDACITY_LABEL = re.compile(r"\s*[0-9]+(?:[.,][0-9]+)?\t\s*[0-9]+(?:[.,][0-9]+)?(?:\t|\s*$)")
TABLE_ENDING = re.compile(
    r"(\.BirdNET\.(results(\.r)?|selection\.table)|(\.Table\.\d+)?\.selections?(\.table)?)?\.(csv|txt|tsv)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class TableFormat:
    """The columns of one kind of table, by their meaning. Of several columns, the first that exists counts.

    Attributes
    ----------
    start, end : columns with times (s).
    paths : columns with the path of the recording.
    file_names : columns with its name without folders.
    scientific_names, common_names : columns with names of the species.
    required : further columns that this kind of table always has.
    """

    start: str
    end: str
    paths: tuple[str, ...]
    scientific_names: tuple[str, ...]
    common_names: tuple[str, ...]
    file_names: tuple[str, ...] = ()
    required: tuple[str, ...] = ()


FORMATS = {
    "birdnet": TableFormat(
        start="Start (s)",
        end="End (s)",
        paths=("File",),
        scientific_names=("Scientific name",),
        common_names=("Common name",),
        required=("Confidence",),
    ),
    "birdnet_r": TableFormat(
        start="start",
        end="end",
        paths=("filepath",),
        scientific_names=("scientific_name",),
        common_names=("common_name",),
        required=("Confidence", "filepath"),
    ),
    "raven": TableFormat(
        start="Begin Time (s)",
        end="End Time (s)",
        paths=("Begin Path",),
        file_names=("Begin File",),
        scientific_names=("Scientific name", "Species Code"),
        common_names=("Common name", "Species", "Annotation", "Label", "Species Code"),
    ),
    # The two CSV formats of crowsetta, which converts many others into them.
    "crowsetta": TableFormat(
        start="onset_s",
        end="offset_s",
        paths=("notated_path",),
        scientific_names=(),
        common_names=("label",),
    ),
    "csv": TableFormat(
        start="start_s",
        end="end_s",
        paths=("file_path",),
        scientific_names=("scientific_name",),
        common_names=("common_name", "label"),
    ),
}
AUDACITY_COLUMNS = ["start_s", "end_s", "common_name"]
# Names differ in case between programs: BirdNET's CSV has "Scientific name", its selection tables "Scientific Name".
COLUMNS = (
    *(name for form in FORMATS.values() for name in (form.start, form.end, *form.paths, *form.file_names)),
    *(name for form in FORMATS.values() for name in (*form.scientific_names, *form.common_names)),
    "Confidence", "File Offset (s)",
)  # fmt: skip


def write_detections(detections: pd.DataFrame, label: str, high_hz: float, stem: str | os.PathLike[str]) -> None:
    """Write the detections in one recording in both formats.

    Parameters
    ----------
    detections : ``file_path`` (as the tables will name it), ``start_s``, ``end_s``, ``confidence``.
    label : ``Scientific name_Common name``; a label without an underscore serves as both names.
    high_hz : upper edge of a selection's box in Raven (Hz).
    stem : path without the suffixes of the two formats.
    """
    scientific, common = label.split("_", 1) if "_" in label else (label, label)
    birdnet_table = pd.DataFrame(
        {
            "Start (s)": detections.start_s.round(3),
            "End (s)": detections.end_s.round(3),
            "Scientific name": scientific,
            "Common name": common,
            "Confidence": detections.confidence.round(4),
            "File": detections.file_path,
        },
        columns=CSV_COLUMNS,
    )
    raven_table = pd.DataFrame(
        {
            "Selection": range(1, len(birdnet_table) + 1),
            "View": "Spectrogram 1",
            "Channel": 1,
            "Begin Time (s)": birdnet_table["Start (s)"],
            "End Time (s)": birdnet_table["End (s)"],
            "Low Freq (Hz)": 0,
            "High Freq (Hz)": round(high_hz),
            "Common Name": common,
            "Species Code": scientific,
            "Confidence": birdnet_table["Confidence"],
            "Begin Path": detections.file_path.to_numpy(),
            "File Offset (s)": birdnet_table["Start (s)"],
        },
        columns=RAVEN_COLUMNS,
    )
    for table, suffix, separator in ((birdnet_table, CSV_SUFFIX, ","), (raven_table, RAVEN_SUFFIX, "\t")):
        with atomic_write(Path(f"{stem}{suffix}")) as draft:
            escape_formulas(table).to_csv(draft, sep=separator, index=False, lineterminator="\n")


def find_format(columns: Collection[str]) -> str:
    """Return which kind of table of detections has these columns: ``birdnet``, ``birdnet_r`` or ``raven``, or ``""``.

    >>> find_format(["Selection", "Begin Time (s)", "End Time (s)", "Annotation"])
    'raven'
    """
    for kind, form in FORMATS.items():
        has_label = any(name in columns for name in (*form.scientific_names, *form.common_names))
        if has_label and {form.start, form.end, *form.required} <= set(columns):
            return kind
    return ""


def is_detection_table(path: str | os.PathLike[str]) -> bool:
    """Return whether a file is a table of detections, by its name or its column names."""
    if str(path).endswith((CSV_SUFFIX, RAVEN_SUFFIX)):
        return True
    try:
        return is_audacity_table(path) or bool(find_format(text_tables.read_header(path, str(path), COLUMNS)))
    except InputError:
        return False


def is_audacity_table(path: str | os.PathLike[str]) -> bool:
    """Return whether a file contains the labels of an Audacity label track: two times and a text, without a header."""
    if Path(path).suffix.lower() != ".txt":
        return False
    with open(path, "rb") as file:
        first_line = file.readline().decode("utf-8", "replace")
    return AUDACITY_LABEL.match(first_line) is not None


def read_detections(path: str | os.PathLike[str], folder: str | os.PathLike[str] | None = None) -> pd.DataFrame:
    """Read a table of detections, or of annotations, as one row per detection.

    BirdNET-Analyzer's CSV of versions 1 and 2 is read, with or without ``File``, also combined or in the form for R.
    Selection tables of BirdNET and Raven may have ``Begin Path``, ``Begin File`` or neither. :data:`FORMATS` lists the
    columns for names. A table made by hand in Raven needs no ``Confidence``: it is then 1. The label track of Audacity
    and the CSV files of crowsetta, with ``onset_s, offset_s, label``, are read too. So is a CSV with ``start_s, end_s``
    and ``label``.

    In a selection table of several recordings, ``Begin Time (s)`` counts on from file to file. It must therefore have
    ``File Offset (s)``. A table that does not name its recording is named after it, like ``20250312_213000.BirdNET.
    results.csv`` or ``20250312_213000.Table.1.selections.txt``.

    Parameters
    ----------
    path : the table.
    folder : the folder of all tables. The folders from there to the table are part of a bare name of a recording,
        because they may name its recorder. None if the name of the table is all that is known.

    Returns
    -------
    ``file_path`` (as the table writes it; see :func:`hardneg.recordings.path_matching.match_paths`), ``start_s, end_s``
    (in the recording), ``scientific_name, common_name`` (``""`` if the table has none) and ``confidence``.

    Raises
    ------
    InputError
        If the table has another format (the message names its columns), or a time or confidence is not valid (the
        message names the rows).
    """
    source = f"table {path}"
    try:
        table = _read_audacity(path, source) if is_audacity_table(path) else text_tables.read(path, source, COLUMNS)
    except OSError as error:
        raise InputError(f"{source} cannot be read: {error}. Correct the path.") from error
    kind = find_format(table.columns)
    if not kind:
        names = ", ".join(text_tables.read_header(path, source))
        raise InputError(
            f"{source} is not a table of detections from BirdNET or Raven: its columns are {names}. "
            f"It needs start_s, end_s and label, or {', '.join(CSV_COLUMNS[:-1])}, or Begin Time (s), End Time (s) and "
            "a column with the name of the species, such as Common Name or Annotation."
        )
    form = FORMATS[kind]
    start, end = (text_tables.parse_numbers(table, column, source) for column in (form.start, form.end))
    text_tables.refuse_rows(table, ~(end > start), source, "no end after their start", [form.start, form.end])
    detections = pd.DataFrame(
        {
            "file_path": _name_recordings(table, form, Path(path), folder),
            "start_s": start,
            "end_s": end,
            "scientific_name": _first_column(table, form.scientific_names),
            "common_name": _first_column(table, form.common_names),
            "confidence": _read_confidences(table, source),
        }
    )
    if kind == "raven":
        detections = _place_in_file(detections, table, source)
    return detections.reset_index(drop=True)


def _read_audacity(path: str | os.PathLike[str], source: str) -> pd.DataFrame:
    """Read the label track of Audacity, with tabs between start, end and text. Lines with frequencies are skipped."""
    lines = text_tables.decode(Path(path).read_bytes(), source).splitlines()
    rows = [
        (number, line.split("\t", 2))
        for number, line in enumerate(lines, 1)
        if line.strip() and not line.startswith("\\")
    ]
    index = pd.Index([number for number, _ in rows], name="line", dtype="int64")
    table = pd.DataFrame([[*cells, "", ""][:3] for _, cells in rows], columns=AUDACITY_COLUMNS, index=index)
    return table.assign(common_name=table.common_name.str.strip())


def name_recording(path: str | os.PathLike[str], folder: str | os.PathLike[str] | None = None) -> str:
    """Name the recording that a table was made of, from the table's own name; see :func:`read_detections`.

    >>> name_recording("tables/D7/20250312_213000.Table.1.selections.txt", "tables")
    'D7/20250312_213000'
    """
    name = TABLE_ENDING.sub("", Path(path).name)
    return name if folder is None else (Path(path).parent.relative_to(folder) / name).as_posix()


def _name_recordings(
    table: pd.DataFrame, form: TableFormat, path: Path, folder: str | os.PathLike[str] | None
) -> pd.Series:
    paths = _first_column(table, form.paths).str.strip()
    names = _first_column(table, form.file_names).str.strip()
    prefix = "" if folder is None or path.parent == Path(folder) else f"{path.parent.relative_to(folder).as_posix()}/"
    names = names.where(names == "", prefix + names)
    return paths.where(paths != "", names).replace("", name_recording(path, folder))


def _read_confidences(table: pd.DataFrame, source: str) -> pd.Series:
    if "Confidence" not in table:
        return pd.Series(1.0, index=table.index)
    confidences = text_tables.parse_numbers(table, "Confidence", source)
    invalid = ~confidences.between(0, 1)
    text_tables.refuse_rows(table, invalid, source, "a Confidence that is not from 0 to 1", ["Confidence"])
    return confidences


def _place_in_file(detections: pd.DataFrame, table: pd.DataFrame, source: str) -> pd.DataFrame:
    """Count the times of each selection from the start of its recording, and keep one row of each selection."""
    if "File Offset (s)" in table:
        offset = text_tables.parse_numbers(table, "File Offset (s)", source)
        text_tables.refuse_rows(table, offset.isna(), source, "no File Offset (s)", ["File Offset (s)"])
        detections = detections.assign(start_s=offset, end_s=offset + detections.end_s - detections.start_s)
    elif detections.file_path.nunique() > 1:
        raise InputError(
            f"{source} names {detections.file_path.nunique()} recordings but has no column File Offset (s), so it does "
            "not tell where in a recording a selection is. Add the measurement File Offset in Raven, and save it again."
        )
    return detections.drop_duplicates()  # Raven writes a selection once for each view


def _first_column(table: pd.DataFrame, names: Sequence[str]) -> pd.Series:
    """Return the first of these columns that exists, or empty text."""
    existing = [name for name in names if name in table.columns]
    return table[existing[0]] if existing else pd.Series("", index=table.index, dtype=object)
