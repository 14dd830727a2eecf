"""Find recordings in folders."""

import os
from collections.abc import Iterable
from pathlib import Path

from hardneg.audio.decoding import AUDIO_SUFFIXES
from hardneg.common.errors import InputError

APPLE_DOUBLE = "._"


def find_audio_files(paths: Iterable[str | os.PathLike[str]]) -> list[tuple[Path, Path]]:
    """List recordings: all files among `paths`, and files with an audio suffix at any depth of its folders.

    Files such as ``._20250312_213000.WAV`` are left out. A Mac writes them beside files on cards, for other purposes.

    Returns
    -------
    Each file with the path that names it in results: relative to the folder it was found in.

    Raises
    ------
    InputError
        If a path does not exist, or there is no recording.
    """
    files = []
    for path in map(Path, paths):
        if path.is_dir():
            candidates = (child for child in sorted(path.rglob("*")) if child.suffix.lower() in AUDIO_SUFFIXES)
            files += [
                (child, child.relative_to(path))
                for child in candidates
                if child.is_file() and not child.name.startswith(APPLE_DOUBLE)
            ]
        elif path.is_file():
            files.append((path, Path(path.name)))
        elif path.exists():
            raise InputError(f"{path} is a named pipe or a device, not a recording. Give a file or a folder.")
        else:
            raise InputError(f"{path} does not exist. Check the path.")
    if not files:
        raise InputError(
            f"{', '.join(map(str, paths))} has no recordings: no files with the suffixes "
            f"{', '.join(sorted(AUDIO_SUFFIXES))}. Check the path."
        )
    return files


def has_utf8_name(path: Path) -> bool:
    """Whether a path is UTF-8, so that a table can contain it. Python reads other bytes as surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in str(path))
