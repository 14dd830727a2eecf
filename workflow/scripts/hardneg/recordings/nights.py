"""Recorder-nights: the unit that is never divided between training and testing."""

import os
import re

import pandas as pd

# A date and a time as recorders write them: 20250312_213000 (AudioMoth, Song Meter, SwiftOne), 20250312T213000+0200
# (Frontier Labs), 20250312$213000 (Song Meter SM2), 2025-03-12 21.30.00. Some Frontier Labs write a space for the first
# zero of the day.
TIME_IN_NAME = re.compile(
    r"(?:^|[^0-9])(?P<year>(?:19|20)[0-9]{2})(?P<dash>-?)(?P<month>[01][0-9])(?P=dash)(?P<day>[0-3 ][0-9])[T_$ ]+"
    r"(?P<hour>[0-2][0-9])(?P<mark>[-.:]?)(?P<minute>[0-5][0-9])(?P=mark)(?P<second>[0-5][0-9])(?![0-9])"
)
# Early AudioMoths wrote the seconds since 1970 (UTC) as eight hexadecimal digits, such as 5E90A4D4.WAV.
HEXADECIMAL_NAME = r"^([0-9A-Fa-f]{8})(?:\.[A-Za-z0-9]+)?$"
AUDIOMOTH_SECONDS = (0x58684680, 0x83AA7E7F)  # the years 2017 to 2039
NOON = "12:00"
MIDNIGHT = r"[ T]0?0:00(:00(\.0+)?)?$"
# The kinds of clusters, with the columns that name them.
CLUSTER_COLUMNS = {"night": ["group"], "date": ["group", "site", "night"], "site": ["recorder_id", "site"]}


def find_nights(dates: pd.Series, times: pd.Series, recorded_at: pd.Series, night_begins: str = NOON) -> pd.Series:
    """Find the night of each recording: the date on which the night began.

    A night lasts 24 hours, so recordings before and after midnight belong together. A date without a time of day
    is its own night, which ends at midnight.

    Parameters
    ----------
    dates : calendar dates; NaT if unknown.
    times : times of day, from :func:`parse_times`; NaT if unknown.
    recorded_at : dates and times in the file names, from :func:`read_times_in_names`. The time in a name counts only
        if `times` has none, and if the date in the name is the one of `dates`. A date that differs from the name has
        probably been corrected to the evening before.
    night_begins : time of day at which a night begins, ``HH:MM``.

    Returns
    -------
    Dates; NaT where `dates` is.

    Examples
    --------
    >>> date, time = pd.to_datetime(pd.Series(["2025-03-13"])), parse_times(pd.Series(["02:00"]))
    >>> format_dates(find_nights(date, time, pd.Series([pd.NaT], dtype="datetime64[ns]"))).tolist()
    ['2025-03-12']
    """
    time_in_name = (recorded_at - recorded_at.dt.normalize()).where(recorded_at.dt.normalize() == dates)
    start = pd.Timedelta(f"{night_begins}:00")
    return (dates + times.fillna(time_in_name).fillna(start) - start).dt.normalize()


def name_recorder_nights(table: pd.DataFrame) -> pd.Series:
    """Name the recorder-night of each row: ``recorder@night``, or the recorder if the night is unknown.

    Examples
    --------
    >>> name_recorder_nights(pd.DataFrame({"recorder_id": ["A1", "A1"], "night": ["2025-03-12", ""]})).tolist()
    ['A1@2025-03-12', 'A1']
    """
    night = table.night.fillna("")
    recorder = table.recorder_id.astype(str)
    return recorder.where(night == "", recorder + "@" + night)


def name_clusters(files: pd.DataFrame, cluster: str) -> pd.Series:
    """Name the cluster of each file: all files of a cluster are resampled together, because they depend on each other.

    Parameters
    ----------
    files : the columns of :data:`CLUSTER_COLUMNS` for `cluster`.
    cluster : one of these:

        - ``night`` : a recorder-night.
        - ``date`` : all recorders of one site on one night. Without a site it is the recorder-night, and without a
          night the whole site, because its recorders may have recorded the same night.
        - ``site`` : all nights of a site, or of a recorder without a site.

    Examples
    --------
    >>> files = pd.DataFrame({"recorder_id": ["A1", "A2"], "site": "pond", "night": "2025-03-12", "group": ["a", "b"]})
    >>> name_clusters(files, "date").tolist()
    ['site pond@2025-03-12', 'site pond@2025-03-12']
    """
    if cluster not in CLUSTER_COLUMNS:
        raise ValueError(f"cluster: '{cluster}' is not one of {', '.join(CLUSTER_COLUMNS)}")
    if cluster == "night":
        return files.group
    site = files.site.fillna("")
    site_name = "site " + site.astype(str)  # apart from a recorder of the same name
    if cluster == "site":
        return site_name.where(site != "", "recorder " + files.recorder_id.astype(str))
    night = files.night.fillna("")
    return site_name.where(night == "", site_name + "@" + night).where(site != "", files.group)


def read_times_in_names(file_paths: pd.Series) -> pd.Series:
    """Read date and time of recordings from their file names; NaT if a name has none.

    :data:`TIME_IN_NAME` lists the forms. The time is the one that the recorder's clock showed, so an offset from UTC in
    the name is ignored. Only the hexadecimal names of early AudioMoths are in UTC.

    >>> read_times_in_names(pd.Series(["creek/SITE3_20250312_213000T.WAV", "5E90A4D4.WAV", "call 7.wav"])).tolist()
    [Timestamp('2025-03-12 21:30:00'), Timestamp('2020-04-10 16:54:44'), NaT]
    """
    names = file_paths.map(os.path.basename).astype(object)
    digits = names.map(_read_digits)
    times = pd.to_datetime(digits, format="%Y%m%d%H%M%S", errors="coerce")
    seconds = names[times.isna()].str.extract(HEXADECIMAL_NAME)[0].dropna().map(lambda digits: int(digits, 16))
    written_by_audiomoth = seconds[seconds.between(*AUDIOMOTH_SECONDS)]
    return times.fillna(pd.to_datetime(written_by_audiomoth, unit="s").reindex(times.index))


def _read_digits(name: str) -> str | None:
    """Read date and time as 14 digits from a file name; None if it has none."""
    match = TIME_IN_NAME.search(name)
    parts = match.group("year", "month", "day", "hour", "minute", "second") if match else ()
    return "".join(parts).replace(" ", "0") or None


def parse_dates(texts: pd.Series) -> pd.Series:
    """Parse dates with the year first: ``YYYY-MM-DD``, ``2025-3-9``, ``2025/03/09``, ``20250309``; NaT for other text.

    A spreadsheet's midnight after the date (``2025-03-09 00:00:00``) is ignored. Other orders of day, month and year
    are not read, because 3/9/2025 has two meanings.
    """
    distinct = pd.Series(texts.unique(), dtype=object)
    without_time = distinct.str.replace(MIDNIGHT, "", regex=True).str.replace("/", "-", regex=False)
    with_dashes = without_time.str.replace(r"^(\d{4})(\d\d)(\d\d)$", r"\1-\2-\3", regex=True)
    dates = pd.to_datetime(with_dashes.where(with_dashes != ""), format="%Y-%m-%d", errors="coerce")
    return texts.map(dict(zip(distinct, dates, strict=True))).astype(dates.dtype)


def parse_times(texts: pd.Series) -> pd.Series:
    """Parse times of day, ``HH:MM`` or ``HH:MM:SS``, as the time since midnight; NaT for any other text."""
    is_complete = texts.str.count(":") != 1
    times = pd.to_datetime(texts.where(is_complete, texts + ":00"), format="%H:%M:%S", errors="coerce")
    return times - times.dt.normalize()


def format_dates(dates: pd.Series) -> pd.Series:
    """Format dates as ``YYYY-MM-DD``, and NaT as ``""``."""
    return dates.dt.strftime("%Y-%m-%d").astype(object).where(dates.notna(), "")
