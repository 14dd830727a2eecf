"""Read and write the tables of detections that BirdNET-Analyzer writes: its CSV and Raven selection tables."""

import os
from pathlib import Path

import pandas as pd

from hardneg.common.errors import InputError
from hardneg.common.files import atomic_write

CSV_SUFFIX, RAVEN_SUFFIX = ".BirdNET.results.csv", ".BirdNET.selection.table.txt"
CSV_COLUMNS = ["Start (s)", "End (s)", "Scientific name", "Common name", "Confidence", "File"]
RAVEN_COLUMNS = [
    "Selection", "View", "Channel", "Begin Time (s)", "End Time (s)", "Low Freq (Hz)", "High Freq (Hz)", "Common Name",
    "Species Code", "Confidence", "Begin Path", "File Offset (s)",
]  # fmt: skip


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
            table.to_csv(draft, sep=separator, index=False, lineterminator="\n")


def read_detections(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a table of detections: BirdNET-Analyzer's CSV, its combined table, or a Raven selection table.

    In a combined Raven table, ``Begin Time (s)`` counts on from file to file, so ``File Offset (s)`` is preferred.

    Returns
    -------
    ``file_path`` (as the table writes it), ``start_s, end_s, scientific_name, common_name, confidence``.

    Raises
    ------
    InputError
        If the table has another format, or a time or confidence is not a number.
    """
    path = Path(path)
    try:
        header = path.read_text(encoding="utf-8-sig").split("\n", 1)[0]
        table = pd.read_csv(
            path, sep="\t" if "\t" in header else ",", encoding="utf-8-sig", dtype=str, keep_default_na=False
        )
        table.columns = table.columns.str.strip()
        if set(CSV_COLUMNS) <= set(table.columns):
            start, end = _numbers(table, "Start (s)"), _numbers(table, "End (s)")
            names = table["File"], table["Scientific name"], table["Common name"]
        elif {"Begin Path", "Begin Time (s)", "End Time (s)", "Common Name", "Confidence"} <= set(table.columns):
            start = _numbers(table, "File Offset (s)" if "File Offset (s)" in table else "Begin Time (s)")
            end = start + _numbers(table, "End Time (s)") - _numbers(table, "Begin Time (s)")
            names = table["Begin Path"], table.get("Species Code", table["Common Name"]), table["Common Name"]
        else:
            raise InputError(
                f"{path} is not a table of detections from BirdNET or Raven: its columns are "
                f"{', '.join(table.columns)}. It needs {', '.join(CSV_COLUMNS)}, or the columns of a Raven selection "
                "table with Begin Path."
            )
        confidence = _numbers(table, "Confidence")
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} cannot be read as a table of detections: {error}") from error
    columns = dict(zip(("file_path", "scientific_name", "common_name"), names, strict=True))
    return pd.DataFrame({**columns, "start_s": start, "end_s": end, "confidence": confidence})


def _numbers(table: pd.DataFrame, column: str) -> pd.Series:
    return pd.to_numeric(table[column])
