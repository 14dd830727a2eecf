"""Recorder-nights: the unit that is never divided between training and testing."""

import re
from pathlib import Path

import pandas as pd

AUDIOMOTH_NAME = re.compile(r"(?:^|[^0-9])(\d{8})[T_]+(\d{6})(?:[^0-9]|$)")


def name_recorder_nights(table: pd.DataFrame) -> pd.Series:
    """Name the recorder-night of each row: ``recorder@date``, or the recorder if the date is unknown.

    Examples
    --------
    >>> name_recorder_nights(pd.DataFrame({"recorder_id": ["A1", "A1"], "date": ["2025-03-12", ""]})).tolist()
    ['A1@2025-03-12', 'A1']
    """
    date = table.date.fillna("")
    recorder = table.recorder_id.astype(str)  # a table read from CSV may contain numbers
    return recorder.where(date == "", recorder + "@" + date)


def parse_audiomoth_date(file_path: str) -> str:
    """Read the recording date from an AudioMoth file name, as ``YYYY-MM-DD``; ``""`` if the name has no date.

    >>> parse_audiomoth_date("creek/SITE3_20250312_213000T.WAV")
    '2025-03-12'
    """
    match = AUDIOMOTH_NAME.search(Path(file_path).name)
    time = pd.to_datetime(f"{match[1]}{match[2]}" if match else None, format="%Y%m%d%H%M%S", errors="coerce")
    return "" if pd.isna(time) else str(time.strftime("%Y-%m-%d"))
