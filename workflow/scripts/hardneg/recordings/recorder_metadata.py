"""What a recorder wrote into a WAV file about itself: AudioMoth's comment, and GUANO metadata."""

import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import pandas as pd

MAX_CHUNKS, MAX_CHUNK_BYTES = 100, 1 << 16
# "Recorded at 21:30:00 12/03/2025 (UTC-8) by AudioMoth 24E144085F256E54 at medium gain while battery was 4.2V."
AUDIOMOTH_TIME = re.compile(r"Recorded at (\d\d:\d\d:\d\d) (\d\d)/(\d\d)/(\d{4})")
AUDIOMOTH_SERIAL = re.compile(r"(?:by AudioMoth|during deployment) ([0-9A-Fa-f]{16})")
GUANO_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)")


@dataclass(frozen=True, slots=True)
class RecorderFacts:
    """A recorder's name, and when it recorded.

    Attributes
    ----------
    name : a prefix that a person gave it, or its serial number; ``""`` if unknown.
    recorded_at : by its own clock; NaT if unknown.
    """

    name: str = ""
    recorded_at: pd.Timestamp = pd.NaT


def read_recorder(path: str | os.PathLike[str]) -> RecorderFacts:
    """Read what a WAV file contains about its recorder; nothing for other files, or damaged ones.

    The comment of AudioMoths is described in their firmware (Open Acoustic Devices), and GUANO in its specification (D.
    Riggs, *GUANO metadata specification* 1.0).
    """
    try:
        with open(path, "rb") as file:
            chunks = dict(_read_chunks(file))
    except (OSError, struct.error):
        return RecorderFacts()
    if b"guan" in chunks:
        return _parse_guano(chunks[b"guan"].decode("utf-8", "replace"))
    return _parse_comment(chunks.get(b"LIST", b"").decode("utf-8", "replace"))


def _read_chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Yield the chunks of a WAV file that contain metadata, without reading the sound."""
    start = file.read(12)
    if start[:4] not in (b"RIFF", b"RF64") or start[8:] != b"WAVE":
        return
    for _ in range(MAX_CHUNKS):
        header = file.read(8)
        if len(header) < 8:
            return
        name, size = struct.unpack("<4sI", header)
        if name in (b"LIST", b"guan"):
            content = file.read(min(size, MAX_CHUNK_BYTES))
            yield name, content
            file.seek(size - len(content), os.SEEK_CUR)
        else:
            file.seek(size, os.SEEK_CUR)
        file.seek(size % 2, os.SEEK_CUR)


def _parse_comment(text: str) -> RecorderFacts:
    serial, time = AUDIOMOTH_SERIAL.search(text), AUDIOMOTH_TIME.search(text)
    if time:
        clock, day, month, year = time.groups()
        recorded_at = pd.to_datetime(f"{year}-{month}-{day} {clock}", errors="coerce")
    else:
        recorded_at = pd.NaT
    return RecorderFacts(serial[1].upper() if serial else "", recorded_at)


def _parse_guano(text: str) -> RecorderFacts:
    fields = dict(line.split(":", 1) for line in text.replace("\0", "").splitlines() if ":" in line)
    values = {key.strip().rsplit("|", 1)[-1].lower(): value.strip() for key, value in fields.items()}
    time = GUANO_TIME.search(values.get("timestamp", ""))
    recorded_at = pd.to_datetime(" ".join(time.groups()), errors="coerce") if time else pd.NaT
    return RecorderFacts(values.get("prefix") or values.get("serial") or "", recorded_at)
