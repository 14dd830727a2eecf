"""What pages with clips share: the clips' addresses, and the hashes of the content security policy."""

import base64
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from hardneg.common.errors import InputError

MEDIA = {"picture": ("webp", "image/webp"), "sound": ("ogg", "audio/ogg")}


def measure_clips(folder: str | os.PathLike[str], clips: Iterable[str]) -> int:
    """Measure the size (bytes) of the files of `clips` that are in `folder`."""
    paths = [Path(folder, f"{clip}.{suffix}") for clip in clips for suffix, _ in MEDIA.values()]
    return sum(path.stat().st_size for path in paths if path.is_file())


def locate_media(clip: Path, embedded: bool) -> dict[str, str]:
    """Return the addresses of the picture and the sound of a clip.

    Parameters
    ----------
    clip : the path of its files, without their endings.
    embedded : whether the addresses contain the files. Otherwise they are relative to the folder above that of `clip`.

    Raises
    ------
    InputError
        If a file is missing.
    """
    addresses = {}
    for kind, (suffix, media_type) in MEDIA.items():
        file = clip.with_suffix(f".{suffix}")
        if not file.is_file():
            raise InputError(f"{file} is missing: delete {file.parent} and run `snakemake review` again.")
        if embedded:
            addresses[kind] = f"data:{media_type};base64,{base64.b64encode(file.read_bytes()).decode()}"
        else:
            addresses[kind] = f"{file.parent.name}/{file.name}"
    return addresses


def hash_source(text: str) -> str:
    """Hash a script or a style for the content security policy."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
