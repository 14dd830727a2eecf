"""Draft a manifest of the recordings in a folder, which a person then completes."""

import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd

from hardneg.audio.decoding import AUDIO_SUFFIXES
from hardneg.common.errors import InputError
from hardneg.recordings.discovery import APPLE_DOUBLE, find_audio_files, has_utf8_name
from hardneg.recordings.manifest import POOL
from hardneg.recordings.nights import (
    TIME_IN_NAME,
    find_nights,
    format_dates,
    parse_times,
    read_times_in_names,
)
from hardneg.recordings.path_matching import LABEL_FOLDERS
from hardneg.recordings.recorder_metadata import RecorderFacts, read_recorder

# Folders that do not name the recorder, but are made by cards and programs.
PLAIN_FOLDERS = {"data", "audio", "wav", "wavs", "flac", "recordings", "records", "raw", "dcim", "sd", "card"}
DATE_FOLDER = re.compile(r"[12][0-9]{3}[-_]?[01][0-9][-_]?[0-3][0-9](?![0-9]).*")
# A prefix that a program writes for every recorder.
PLAIN_PREFIXES = {"", "s", "rec", "recording", "audio", "birdnet", "swift", "swiftone"}
CHANNELS = re.compile(r"_(0\+1|[01])$")
BY_NAME, BY_METADATA, BY_FOLDER, UNKNOWN = "file name", "metadata", "folder", "unknown"
FIRST_YEAR = 2000
SHOWN_RECORDERS, SHOWN_NAMES = 40, 3


@dataclass(frozen=True, slots=True)
class ManifestDraft:
    """A draft, and what a person should know about it.

    Attributes
    ----------
    table : ``file_path`` (relative to the folder), ``label, recorder_id, split, quality, call_type, site, date, time``.
        Unknown values are ``""``.
    named_by : for each row, where the name of the recorder is from: the file name, metadata, or a folder.
    left_out : number of other files by their suffix.
    apple_doubles : number of files that a Mac wrote beside others.
    """

    table: pd.DataFrame
    named_by: pd.Series
    left_out: dict[str, int]
    apple_doubles: int


def draft_manifest(audio_root: str | os.PathLike[str]) -> ManifestDraft:
    """Draft a manifest of all recordings below a folder.

    - **Recorder.** The prefix of the file name (``SM4A_20250312_213000.wav``). Without one, what the recorder wrote
      into the file (:func:`hardneg.recordings.recorder_metadata.read_recorder`). Without that, the nearest folder that
      can be a recorder's: neither that of a label, nor of a date, nor the ``Data`` of a Song Meter. The name of
      `audio_root` comes last.
    - **Label.** A folder ``positive``, ``negative`` or ``pool`` anywhere above the file, or another spelling of
      :data:`~hardneg.recordings.path_matching.LABEL_FOLDERS`. The pool's label is negative.
    - **Date and time.** Those in the file name, or else in the file.

    Raises
    ------
    InputError
        If there is no recording, or the name of one is not UTF-8.
    """
    audio_root = Path(audio_root)
    found = find_audio_files([audio_root])
    paths = [path for _, path in found]
    unwritable = [os.fsencode(path) for path in paths if not has_utf8_name(path)]
    if unwritable:
        raise InputError(
            f"{len(unwritable)} recording(s) have names that are not UTF-8, such as {unwritable[0]!r}. Rename them, "
            f"for example with `convmv -f latin1 -t utf8 -r --notest {audio_root}`."
        )
    times = read_times_in_names(pd.Series([path.as_posix() for path in paths], dtype=object))
    rows, named_by = [], []
    for (file, path), time in zip(found, times, strict=True):
        name = _find_prefix(path.stem)
        facts = RecorderFacts() if name and pd.notna(time) else read_recorder(file)
        folder = _find_folder(path)
        by = BY_NAME if name else BY_METADATA if facts.name else BY_FOLDER if folder else UNKNOWN
        label = _find_label(path)
        recorded_at = facts.recorded_at if pd.isna(time) else time
        rows.append(
            {
                "file_path": path.as_posix(),
                "label": "negative" if label == POOL else label,
                "recorder_id": name or facts.name or folder or audio_root.resolve().name,
                "split": POOL if label == POOL else "",
                **dict.fromkeys(("quality", "call_type", "site"), ""),
                "date": "" if pd.isna(recorded_at) else f"{recorded_at:%Y-%m-%d}",
                # A time in the file name is read again from there.
                "time": "" if pd.isna(recorded_at) or pd.notna(time) else f"{recorded_at:%H:%M:%S}",
            }
        )
        named_by.append(by)
    table = pd.DataFrame(rows)
    others, apple_doubles = _count_others(audio_root)
    return ManifestDraft(
        table if (table.time != "").any() else table.drop(columns="time"), pd.Series(named_by), others, apple_doubles
    )


def describe_draft(draft: ManifestDraft) -> list[str]:
    """Describe a draft for the terminal: the recorders with their labels and nights, and what may be wrong."""
    return [_format_recorders(draft), *_list_problems(draft)]


def _find_prefix(stem: str) -> str:
    """Find the name in front of the date in a file name; empty if there is none, or only a program's."""
    match = TIME_IN_NAME.search(stem)
    if not match:
        return ""
    prefix = CHANNELS.sub("", stem[: match.start("year")].rstrip("_- "))
    return "" if prefix.lower() in PLAIN_PREFIXES else prefix


def _find_folder(path: Path) -> str:
    """Find the nearest folder that can have the name of a recorder; empty if there is none."""
    for folder in reversed(path.parts[:-1]):
        if _is_informative(folder):
            return folder
    return ""


def _is_informative(folder: str) -> bool:
    return folder.lower() not in {*LABEL_FOLDERS, *PLAIN_FOLDERS} and not DATE_FOLDER.fullmatch(folder)


def _find_label(path: Path) -> str:
    names = [LABEL_FOLDERS[folder.lower()] for folder in path.parts[:-1] if folder.lower() in LABEL_FOLDERS]
    return names[0] if names else ""


def _count_others(audio_root: Path) -> tuple[dict[str, int], int]:
    """Count the files that are no recordings, by suffix, and those of a Mac."""
    others: Counter[str] = Counter()
    apple_doubles = 0
    for _, _, names in os.walk(audio_root):
        for name in names:
            if name.startswith(APPLE_DOUBLE):
                apple_doubles += 1
            elif (suffix := PurePosixPath(name).suffix.lower()) not in AUDIO_SUFFIXES and not name.startswith("."):
                others[suffix or "none"] += 1
    return dict(sorted(others.items(), key=lambda item: (-item[1], item[0]))), apple_doubles


def _format_recorders(draft: ManifestDraft) -> str:
    table = draft.table
    dates = pd.to_datetime(table.date.where(table.date != ""))
    clock = parse_times(table.time) if "time" in table else pd.Series(pd.NaT, table.index, dtype="timedelta64[ns]")
    nights = format_dates(find_nights(dates, clock, read_times_in_names(table.file_path)))
    kind = table.split.where(table.split == POOL, table.label)
    counts = pd.DataFrame(
        {
            "recorder": table.recorder_id,
            "positive": kind == "positive",
            "negative": kind == "negative",
            "pool": kind == POOL,
            "no label": kind == "",
            "night": nights.where(nights != ""),
            "named by": draft.named_by,
        }
    )
    by_recorder = counts.groupby("recorder", sort=True)
    shown = by_recorder[["positive", "negative", "pool", "no label"]].sum()
    shown["nights"] = by_recorder.night.nunique()
    shown["first"], shown["last"] = by_recorder.night.min().fillna(""), by_recorder.night.max().fillna("")
    shown["named by"] = by_recorder["named by"].agg(lambda names: ", ".join(sorted(set(names))))
    hidden = len(shown) - SHOWN_RECORDERS
    lines: str = shown.head(SHOWN_RECORDERS).reset_index().to_string(index=False, justify="left")
    return lines + (f"\n... and {hidden} more recorders" if hidden > 0 else "")


def _list_problems(draft: ManifestDraft) -> list[str]:
    table, problems = draft.table, []
    undated = table.file_path[table.date == ""]
    if len(undated):
        problems.append(
            f"{len(undated)} recording(s) have no date, neither in the name nor in the file: {_show(undated)}. "
            "Fill in date, and time or night."
        )
    early = table.file_path[pd.to_numeric(table.date.str[:4], errors="coerce") < FIRST_YEAR]
    if len(early):
        problems.append(
            f"{len(early)} recording(s) are dated before {FIRST_YEAR}: {_show(early)}. The clock was probably not set. "
            "Correct date."
        )
    unknown = table.file_path[draft.named_by == UNKNOWN]
    if len(unknown):
        problems.append(
            f"nothing names the recorder of {len(unknown)} recording(s), so it is called like the folder: "
            f"{_show(unknown)}. Correct recorder_id."
        )
    folders = table.file_path.map(_name_own_folder).groupby(table.recorder_id).unique()
    for recorder, several in folders[folders.map(len) > 1].items():
        names = sorted(several)
        problems.append(
            f"recorder {recorder} is in several folders ({_show(pd.Series(names))}). If these are several recorders, "
            "or places where it stood, give each its own recorder_id."
        )
    if draft.left_out:
        listed = ", ".join(f"{count} {suffix}" for suffix, count in draft.left_out.items())
        problems.append(f"left out, because their endings are not those of recordings: {listed}.")
    if draft.apple_doubles:
        problems.append(f"left out: {draft.apple_doubles} file(s) '{APPLE_DOUBLE}...' that a Mac wrote.")
    return problems


def _name_own_folder(path: str) -> str:
    """Name the folders of a recording, without those of labels, dates and cards."""
    return "/".join(filter(_is_informative, PurePosixPath(path).parts[:-1]))


def _show(names: pd.Series) -> str:
    hidden = len(names) - SHOWN_NAMES
    return ", ".join(names.head(SHOWN_NAMES)) + (f" and {hidden} more" if hidden > 0 else "")
