"""Recorder-nights: the unit that is never split between training and testing."""

import re
from pathlib import Path

import pandas as pd

AUDIOMOTH_NAME = re.compile(r"(?:^|[^0-9])(\d{8})[T_]+(\d{6})(?:[^0-9]|$)")


def name_recorder_nights(table: pd.DataFrame) -> pd.Series:
    """Name the unit that must never be split: ``recorder@date``, or the recorder where the date is unknown."""
    date = table.date.fillna("")
    recorder = table.recorder_id.astype(str)  # a table read from CSV may hold numbers
    return recorder.where(date == "", recorder + "@" + date)


def parse_audiomoth_date(file_path: str) -> str:
    """Read the recording date from an AudioMoth file name, as ``YYYY-MM-DD``; ``""`` if it holds none.

    >>> parse_audiomoth_date("creek/SITE3_20250312_213000T.WAV")
    '2025-03-12'
    """
    found = AUDIOMOTH_NAME.search(Path(file_path).name)
    stamp = pd.to_datetime(f"{found[1]}{found[2]}" if found else None, format="%Y%m%d%H%M%S", errors="coerce")
    return "" if pd.isna(stamp) else stamp.strftime("%Y-%m-%d")
