"""Explain why recordings of a manifest are missing."""

import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

EXAMINED = 50
DRIVE = re.compile(r"^[A-Za-z]:[\\/]")


def find_missing_files(file_paths: Iterable[str], audio_root: str) -> list[str]:
    """Find the paths that do not exist below `audio_root`."""
    return [path for path in file_paths if not os.path.exists(os.path.join(audio_root, path))]  # noqa: PTH110, PTH118, fast


def find_outside_files(file_paths: Sequence[str], audio_root: str, examined: int = 1000) -> list[str]:
    """Find paths that links lead out of `audio_root`, among a sample of at most `examined` paths."""
    root = Path(audio_root).resolve()
    sample = file_paths[:: max(-(-len(file_paths) // examined), 1)]
    return [path for path in sample if not (root / path).resolve().is_relative_to(root)]


def explain_missing_files(missing: Sequence[str], total: int, audio_root: str) -> str:
    """Write one message about recordings that do not exist, with the likely cause; ``""`` if none is missing.

    A sample of the paths is tried in other spellings: slashes, capitals of the suffix, and the Unicode form of accents.
    It is also tried one folder up and down.

    Parameters
    ----------
    missing : paths in the manifest that are not files below `audio_root`.
    total : number of recordings in the manifest.
    audio_root : the folder that paths are relative to.
    """
    if not missing:
        return ""
    root = Path(audio_root).resolve()
    count = f"{len(missing)} of {total} recordings of the manifest are missing, such as {missing[0]}."
    if not root.is_dir():
        return f"{count} audio_root {audio_root} is not a folder. Correct it, or connect the disk."
    sample = missing[:: -(-len(missing) // EXAMINED)]
    if any(DRIVE.match(path) for path in sample):
        return f"{count} Paths in the manifest begin with a drive. Make them relative to audio_root {audio_root}."
    for advice, respell in _RESPELLINGS.items():
        if any(_is_file(root / respell(path)) for path in sample):
            return f"{count} {advice}"
    above, below = _find_other_root(root, sample)
    if above or below:
        return f"{count} audio_root is one level {'too low' if above else 'too high'}: set it to {above or below}."
    return f"{count} Check audio_root {audio_root} and the paths."


def _swap_suffix_case(path: str) -> str:
    suffix = Path(path).suffix
    return path.removesuffix(suffix) + suffix.swapcase()


_RESPELLINGS: dict[str, Callable[[str], str]] = {
    "Write their paths with slashes: the files exist if backslashes are slashes.": lambda path: path.replace("\\", "/"),
    "Their suffix has other capitals than the file's, such as .WAV and .wav. Correct it.": _swap_suffix_case,
    "Their accents are stored in another Unicode form. Write the manifest again from the file names.": lambda path: (
        unicodedata.normalize("NFD" if unicodedata.is_normalized("NFC", path) else "NFC", path)
    ),
}


def _find_other_root(root: Path, sample: Sequence[str]) -> tuple[Path | None, Path | None]:
    """Find the folder above `root` or in it below which a recording of the sample exists."""
    if any(_is_file(root.parent / path) for path in sample):
        return root.parent, None
    try:
        folders = sorted(child for child in root.iterdir() if child.is_dir())[:EXAMINED]
    except OSError:
        folders = []
    return None, next((folder for folder in folders if any(_is_file(folder / path) for path in sample)), None)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
