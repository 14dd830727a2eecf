"""Find recordings in folders."""

import os
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from hardneg.common.errors import InputError
from hardneg.recordings.manifest import LABELS
from hardneg.recordings.nights import parse_audiomoth_date

AUDIO_SUFFIXES = {".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff", ".opus", ".w64", ".caf", ".au"}
POOL = "pool"


def find_audio_files(paths: Iterable[str | os.PathLike]) -> list[tuple[Path, Path]]:
    """List recordings: files as they are given, and those in folders, at any depth, that have an audio file's ending.

    Returns
    -------
    Each file with the path, relative to the folder given, that its results are named after.
    """
    found = []
    for path in map(Path, paths):
        if path.is_dir():
            inside = (child for child in sorted(path.rglob("*")) if child.suffix.lower() in AUDIO_SUFFIXES)
            found += [(child, child.relative_to(path)) for child in inside if child.is_file()]
        elif path.is_file():
            found.append((path, Path(path.name)))
        else:
            raise InputError(f"{path} does not exist.")
    if not found:
        raise InputError(
            f"no recordings in {', '.join(map(str, paths))} (looked for {', '.join(sorted(AUDIO_SUFFIXES))})."
        )
    return found


def draft_manifest(audio_root: str | os.PathLike) -> pd.DataFrame:
    """Begin a manifest of all recordings below a folder, to be completed by hand.

    The recorder is the folder that a file lies in. A folder called ``positive`` or ``negative`` anywhere above a file
    gives its label, one called ``pool`` its split (and the label negative), and an AudioMoth file name its date.

    Returns
    -------
    ``file_path`` (relative to `audio_root`), ``label, recorder_id, split, quality, call_type, site, date``; what is not
    known is ``""``.
    """
    rows = []
    for _, path in find_audio_files([audio_root]):
        folders = [folder.lower() for folder in path.parts[:-1]]
        label = next((folder for folder in folders if folder in (*LABELS, POOL)), "")
        rows.append(
            {
                "file_path": path.as_posix(),
                "label": "negative" if label == POOL else label,
                "recorder_id": path.parent.name,
                "split": POOL if label == POOL else "",
                **dict.fromkeys(("quality", "call_type", "site"), ""),
                "date": parse_audiomoth_date(str(path)),
            }
        )
    return pd.DataFrame(rows)
