"""Match the recordings that a foreign table names with the recordings of the manifest.

Detections, annotations and answers often come from another computer, or from an archive with other folders. One rule
holds for all of them: a wrong match is worse than none. What is not certain is reported and not matched.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sized
from dataclasses import dataclass, field
from pathlib import PurePosixPath, PureWindowsPath

import pandas as pd

from hardneg.audio.decoding import AUDIO_SUFFIXES

LISTED_PATHS = 3
# Folders that sort recordings by label, with the label. They do not tell whose recordings are in them.
LABEL_FOLDERS = {
    "positive": "positive", "positives": "positive", "pos": "positive",
    "negative": "negative", "negatives": "negative", "neg": "negative",
    "pool": "pool",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PathMatches:
    """How the paths of a foreign table fit the recordings of the manifest. Each path is in one of four groups.

    Attributes
    ----------
    matched : the recording of each path that fits exactly one.
    several : paths that fit several recordings, with these; also paths that compete for one recording, with it.
    elsewhere : paths with the name of a recording, but in another folder; with the recordings of that name.
    unknown : paths with a name that no recording has.
    """

    matched: dict[str, str] = field(default_factory=dict)
    several: dict[str, list[str]] = field(default_factory=dict)
    elsewhere: dict[str, list[str]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    def describe_problems(self) -> list[str]:
        """Describe each group of paths without a match, with examples. The list is empty if every path matches."""
        problems = []
        if self.unknown:
            problems.append(f"{_count(self.unknown)} no recording of the manifest: {_list_some(self.unknown)}")
        for paths, problem in (
            (self.elsewhere, "a recording's name, but in another folder"),
            (self.several, "several recordings, or the same one as another path"),
        ):
            if paths:
                examples = [f"{path} (manifest: {', '.join(fits[:2])})" for path, fits in paths.items()]
                problems.append(f"{_count(paths)} {problem}: {_list_some(examples)}")
        return problems


@dataclass(frozen=True, slots=True)
class _Path:
    """The parts of a path that are compared.

    Attributes
    ----------
    text : as it was written.
    folders : without those of labels.
    name : with its suffix in lower case.
    stem : without an audio suffix.
    recorder : of a recording of the manifest.
    """

    text: str
    folders: tuple[str, ...]
    name: str
    stem: str
    recorder: str = ""

    @classmethod
    def parse(cls, text: str, recorder: str = "") -> "_Path":
        normal = unicodedata.normalize("NFC", text).replace("\\", "/")
        *folders, name = PurePosixPath("/", normal).parts[1:] or ("",)
        suffix = PurePosixPath(name).suffix
        stem = name.removesuffix(suffix) if suffix.lower() in AUDIO_SUFFIXES else name
        informative = tuple(folder for folder in folders if folder.lower() not in LABEL_FOLDERS)
        name = stem + name.removeprefix(stem).lower()
        return cls(text, informative, name, stem, unicodedata.normalize("NFC", recorder))

    @property
    def has_suffix(self) -> bool:
        return self.name != self.stem

    @property
    def is_absolute(self) -> bool:
        return PurePosixPath(self.text).is_absolute() or PureWindowsPath(self.text).is_absolute()


def match_paths(paths: Iterable[str], recordings: pd.DataFrame) -> PathMatches:
    r"""Match each path with the recording that shares the longest end of its path.

    Folders and names are compared in Unicode NFC, backslashes are slashes, and the case of an audio suffix (``.WAV``)
    does not matter. A path without an audio suffix is compared without suffixes: a table of one recording can be
    matched by the table's own name. The folders of labels (:data:`LABEL_FOLDERS`) do not count as folders.

    Recorders with the same schedule give their files the same names. A path is therefore matched only if no other file
    can be meant:

    - Exactly one recording shares the longest end, or exactly one of these belongs to a recorder that the path names.
    - One path is the end of the other, or the end that they share contains a folder with the recorder's name. So
      ``old/D8/a.wav`` is not ``D7/a.wav``.
    - A path that names another recorder of the manifest is not matched by its file name alone.
    - No other path fits the same recording, unless the two can be the relative and the absolute path of one file.

    Parameters
    ----------
    paths : as the foreign table writes them: absolute, from another computer, or bare file names.
    recordings : ``file_path, recorder_id`` of every recording of the manifest, in any split. If some are left out, a
        detection in one of them could be given to another recording of the same name.

    Returns
    -------
    Every path is in one group, in the order of `paths`.

    Examples
    --------
    >>> rows = [("M1/a.WAV", "M1"), ("D7/a.WAV", "D7"), ("D7/b.WAV", "D7")]
    >>> recordings = pd.DataFrame(rows, columns=["file_path", "recorder_id"])
    >>> matches = match_paths(["E:\\SD\\D7\\a.wav", "/old/D8/b.WAV", "a.WAV", "c.WAV"], recordings)
    >>> matches.matched
    {'E:\\SD\\D7\\a.wav': 'D7/a.WAV'}
    >>> matches.elsewhere, matches.several, matches.unknown
    ({'/old/D8/b.WAV': ['D7/b.WAV']}, {'a.WAV': ['M1/a.WAV', 'D7/a.WAV']}, ['c.WAV'])
    """
    known = [
        _Path.parse(path, recorder) for path, recorder in zip(recordings.file_path, recordings.recorder_id, strict=True)
    ]
    recorders = {recording.recorder for recording in known}
    indexes = {True: _index_by_end(known, "name"), False: _index_by_end(known, "stem")}
    matches = PathMatches()
    claims: dict[_Path, list[_Path]] = defaultdict(list)
    for text in dict.fromkeys(paths):
        path = _Path.parse(text)
        candidates = _find_longest_end(path, indexes[path.has_suffix])
        if len(candidates) > 1:
            named = [recording for recording in candidates if recording.recorder in path.folders]
            candidates = named if len(named) == 1 else candidates
        texts = [recording.text for recording in candidates]
        if not candidates:
            matches.unknown.append(text)
        elif len(candidates) > 1:
            matches.several[text] = texts
        elif _is_same_file(path, candidates[0], recorders):
            matches.matched[text] = texts[0]
            claims[candidates[0]].append(path)
        else:
            matches.elsewhere[text] = texts
    for recording, rivals in claims.items():
        for rival in _find_rivals(recording, rivals):
            del matches.matched[rival.text]
            matches.several[rival.text] = [recording.text]
    return matches


Index = Mapping[tuple[str, ...], list[_Path]]


def _index_by_end(recordings: list[_Path], key: str) -> Index:
    """Index the recordings by their name (or stem) and by their last folder and name."""
    index: dict[tuple[str, ...], list[_Path]] = defaultdict(list)
    for recording in recordings:
        name = getattr(recording, key)
        index[(name,)].append(recording)
        if recording.folders:
            index[recording.folders[-1], name].append(recording)
    return index


def _find_longest_end(path: _Path, index: Index) -> list[_Path]:
    name = path.name
    candidates = index.get((*path.folders[-1:], name)) or index.get((name,), [])
    if len(candidates) < 2:
        return candidates
    lengths = [_count_shared_folders(path, recording) for recording in candidates]
    return [recording for recording, length in zip(candidates, lengths, strict=True) if length == max(lengths)]


def _count_shared_folders(first: _Path, second: _Path) -> int:
    count = 0
    for one, other in zip(reversed(first.folders), reversed(second.folders), strict=False):
        if one != other:
            break
        count += 1
    return count


def _is_same_file(path: _Path, recording: _Path, recorders: set[str]) -> bool:
    """Return whether a path that shares its end with one recording cannot be another recorder's file."""
    shared = _count_shared_folders(path, recording)
    if shared == 0 and recording.recorder not in path.folders and recorders & set(path.folders):
        return False
    is_contained = shared == min(len(path.folders), len(recording.folders))
    return is_contained or recording.recorder in recording.folders[len(recording.folders) - shared :]


def _find_rivals(recording: _Path, paths: list[_Path]) -> list[_Path]:
    """Find the paths that must not be matched, because they fit the same recording and are not one file."""
    if len(paths) == 1 or _can_be_one_file(paths):
        return []
    exact = [path for path in paths if path.folders == recording.folders and not path.is_absolute]
    owned = exact or [path for path in paths if recording.recorder in path.folders]
    winners = owned if _can_be_one_file(owned) else []
    return [path for path in paths if path not in winners]


def _can_be_one_file(paths: list[_Path]) -> bool:
    """Return whether the paths are the same, or a relative path and an absolute one that ends with it."""
    relative = {path.folders for path in paths if not path.is_absolute}
    absolute = {path.folders for path in paths if path.is_absolute}
    if len(relative) > 1 or len(absolute) > 1:
        return False
    return all(full[len(full) - len(end) :] == end for full in absolute for end in relative)


def _count(paths: Sized) -> str:
    return f"{len(paths)} path fits" if len(paths) == 1 else f"{len(paths)} paths fit"


def _list_some(examples: list[str]) -> str:
    hidden = len(examples) - LISTED_PATHS
    return "; ".join(examples[:LISTED_PATHS]) + (f"; and {hidden} more" if hidden > 0 else "")
