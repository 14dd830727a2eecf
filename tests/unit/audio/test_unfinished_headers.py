import struct

import numpy as np
import pytest
import soundfile

from hardneg.audio import decoding
from hardneg.audio.unfinished_headers import find_missing_length, open_recording

RATE = 16000
NOISE = (3000 * np.random.default_rng(0).standard_normal(70 * RATE)).astype(np.int16)


def without_length(path, samples=NOISE, channels=1, **options):
    """Write a recording, then set the length in its header to 0."""
    soundfile.write(path, np.repeat(samples[:, None], channels, axis=1), RATE, **options)
    content = bytearray(path.read_bytes())
    if path.suffix == ".flac":
        info = int.from_bytes(content[18:26], "big")
        content[18:26] = (info >> 36 << 36).to_bytes(8, "big")
    else:
        content[4:8], content[40:44] = struct.pack("<I", 36), bytes(4)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_recording_without_a_length_is_read_whole_and_from_the_middle(tmp_path, name, channels):
    path = without_length(tmp_path / name, channels=channels)
    samples, rate = decoding.read_samples(path)
    assert rate == RATE and samples.shape == (len(NOISE), channels)
    np.testing.assert_array_equal(samples[:, -1], NOISE)
    part, _ = decoding.read_samples(path, first=65 * RATE, count=100)
    np.testing.assert_array_equal(part[:, 0], NOISE[65 * RATE : 65 * RATE + 100])


@pytest.mark.parametrize("length", [1, 16, 192, 4095, 4096, 4097, 300_000])
def test_the_length_of_a_flac_file_is_exact(tmp_path, length):
    with open_recording(without_length(tmp_path / "a.flac", NOISE[:length])) as recording:
        assert recording.frames == length
        assert len(recording.read(dtype="int16")) == length


def test_a_header_with_a_length_is_not_touched(tmp_path):
    for name in ("a.wav", "a.flac", "a.ogg"):
        soundfile.write(tmp_path / name, NOISE[:RATE], RATE)
        assert find_missing_length(tmp_path / name) is None


def test_metadata_behind_an_empty_recording_is_not_sound(tmp_path):
    path = without_length(tmp_path / "a.wav", NOISE[:0])
    assert find_missing_length(path) is None
    path.write_bytes(path.read_bytes() + b"guan" + struct.pack("<I", 9) + b"GUANO|Ver\0")
    assert find_missing_length(path) is None


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"fLaC", b"RIFF\0\0\0\0WAVE", b"RIFF\0\0\0\0WAVEdata", b"fLaC" + bytes(60)]
)
def test_a_file_that_ends_within_its_header_has_no_length(tmp_path, content):
    (tmp_path / "a").write_bytes(content)
    assert find_missing_length(tmp_path / "a") is None
