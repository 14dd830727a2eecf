"""Open recordings whose recorder stopped before it wrote their length into the header.

A recorder that loses power, and a program that writes to a pipe, leave a length of 0. The sound itself is whole.
"""

import io
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import soundfile

FLAC_INFO_END = 42
FLAC_LENGTH = slice(18, 26)  # 20 bits of sample rate, 3 of channels, 5 of sample size, 36 of length
FLAC_LENGTH_MASK = (1 << 36) - 1
SEARCHED_BYTES = 1 << 20
MAX_WAV_CHUNKS = 100
MAX_WAV_SIZE = 0xFFFFFFFE


@dataclass(frozen=True, slots=True)
class Patch:
    """Bytes that replace those at an offset in a file."""

    offset: int
    content: bytes


@contextmanager
def open_recording(path: str | os.PathLike[str]) -> Iterator[soundfile.SoundFile]:
    """Open a recording with libsndfile. A WAV or FLAC file whose header has no length gets its true one.

    Raises
    ------
    soundfile.LibsndfileError
        If libsndfile cannot open the file.
    """
    patch = find_missing_length(path)
    if patch is None:
        with soundfile.SoundFile(path) as recording:
            yield recording
    else:
        with _PatchedFile(path, patch) as file, soundfile.SoundFile(file) as recording:
            yield recording


def find_missing_length(path: str | os.PathLike[str]) -> Patch | None:
    """Find the bytes that give a WAV or FLAC file its length; None if its header has one, or it cannot be found."""
    size = Path(path).stat().st_size
    with open(path, "rb") as file:
        start = file.read(FLAC_INFO_END)
        if start[:4] == b"fLaC" and len(start) == FLAC_INFO_END:
            return _find_flac_length(file, start, size)
        if start[:4] == b"RIFF" and start[8:12] == b"WAVE":
            return _find_wav_length(file, size)
    return None


class _PatchedFile(io.FileIO):
    """A file that is read as if some of its bytes were others."""

    def __init__(self, path: str | os.PathLike[str], patch: Patch):
        super().__init__(os.fspath(path))
        self.patch = patch

    def read(self, size: int | None = -1) -> bytes:
        begin = self.tell()
        content = super().read(-1 if size is None else size)
        first, last = self.patch.offset - begin, self.patch.offset + len(self.patch.content) - begin
        if not content or last <= 0 or first >= len(content):
            return content
        replaced = self.patch.content[max(-first, 0) : len(content) - first]
        return content[: max(first, 0)] + replaced + content[max(first, 0) + len(replaced) :]

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def]
        view = memoryview(buffer).cast("B")
        content = self.read(len(view))
        view[: len(content)] = content
        return len(content)


def _find_wav_length(file: io.BufferedReader, size: int) -> Patch | None:
    """Find the data chunk. If its length is 0 and sound follows, it reaches to the end of the file."""
    offset = 12
    for _ in range(MAX_WAV_CHUNKS):
        file.seek(offset)
        header = file.read(8)
        if len(header) < 8:
            return None
        length = struct.unpack("<I", header[4:])[0]
        if header[:4] == b"data":
            rest = size - offset - 8
            if length or rest <= 0 or _is_chunk(file.read(8), rest):
                return None
            return Patch(offset + 4, struct.pack("<I", min(rest, MAX_WAV_SIZE)))
        offset += 8 + length + length % 2
    return None


def _is_chunk(header: bytes, rest: int) -> bool:
    """Return whether a chunk, such as one of metadata, fills the rest of a file behind an empty data chunk."""
    return len(header) == 8 and header[:4].isalpha() and struct.unpack("<I", header[4:])[0] + 8 in (rest, rest - 1)


def _find_flac_length(file: io.BufferedReader, start: bytes, size: int) -> Patch | None:
    """Find the number of samples of a FLAC file from its last frame, if the header does not tell it.

    Each frame has its number, or that of its first sample, in its header (RFC 9639, section 9.1).
    """
    info = int.from_bytes(start[FLAC_LENGTH], "big")
    if info & FLAC_LENGTH_MASK:
        return None
    block_size = int.from_bytes(start[8:10], "big")
    file.seek(max(size - SEARCHED_BYTES, FLAC_INFO_END))
    end = file.read()
    position = len(end)
    while (position := end.rfind(b"\xff", 0, position)) >= 0:
        samples = _read_frame_end(end[position : position + 16], block_size)
        if samples:
            return Patch(FLAC_LENGTH.start, (info | samples).to_bytes(8, "big"))
    return None


def _read_frame_end(header: bytes, block_size: int) -> int:
    """Return the number of samples up to the end of the frame that has this header; 0 if it is not a header.

    Parameters
    ----------
    header : at least the bytes of the longest header, unless the file ends before.
    block_size : samples in each frame but the last of a file with frames of one size.
    """
    if len(header) < 6 or header[1] & 0xFE != 0xF8 or header[3] & 1:
        return 0
    size_code, rate_code = header[2] >> 4, header[2] & 15
    leading_ones = 8 - (header[4] ^ 0xFF).bit_length()
    number_bytes = max(leading_ones, 1)
    position = 4 + number_bytes
    size_bytes, rate_bytes = {6: 1, 7: 2}.get(size_code, 0), {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    end = position + size_bytes + rate_bytes
    if size_code == 0 or rate_code == 15 or leading_ones in (1, 8) or len(header) <= end:
        return 0
    if _compute_crc8(header[:end]) != header[end]:
        return 0
    number = header[4] & (0x7F >> leading_ones)
    for byte in header[5:position]:
        number = number << 6 | byte & 0x3F
    if size_bytes:
        frame = int.from_bytes(header[position : position + size_bytes], "big") + 1
    else:
        frame = 192 if size_code == 1 else 576 << (size_code - 2) if size_code < 6 else 256 << (size_code - 8)
    first = number if header[1] & 1 else number * block_size
    return first + frame


def _compute_crc8(content: bytes) -> int:
    """Compute the checksum of a FLAC frame's header: the polynomial x^8 + x^2 + x + 1."""
    checksum = 0
    for byte in content:
        checksum ^= byte
        for _ in range(8):
            checksum = (checksum << 1 ^ (0x07 if checksum & 0x80 else 0)) & 0xFF
    return checksum
