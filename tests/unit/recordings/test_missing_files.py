import unicodedata

import pytest

from hardneg.recordings.missing_files import explain_missing_files, find_missing_files, find_outside_files


@pytest.fixture
def root(tmp_path):
    for name in ("archive/audio/D7/a.WAV", "archive/audio/étang/b.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path / "archive/audio"


@pytest.mark.parametrize(
    ("folder", "path", "cause"),
    [
        (".", "D7\\a.WAV", "Write their paths with slashes"),
        (".", "D:\\audio\\D7\\a.WAV", "Paths in the manifest begin with a drive"),
        (".", "D7/a.wav", "Their suffix has other capitals"),
        (".", unicodedata.normalize("NFD", "étang/b.wav"), "another Unicode form"),
        ("D7", "D7/a.WAV", "audio_root is one level too low: set it to"),
        ("..", "D7/a.WAV", "audio_root is one level too high: set it to"),
        (".", "D9/z.WAV", "Check audio_root"),
        ("none", "D7/a.WAV", "is not a folder. Correct it, or connect the disk"),
        (".", "a\0b.wav", "Check audio_root"),
    ],
)
def test_missing_recordings_are_counted_with_the_likely_cause(root, folder, path, cause):
    message = explain_missing_files([path], 10, str(root / folder))
    assert message.startswith("1 of 10 recordings of the manifest are missing, such as ")
    assert cause in message


def test_one_spelling_that_fits_among_many_is_found(root):
    missing = [f"D9/{n}.WAV" for n in range(500)]
    missing[250] = "D7\\a.WAV"
    assert "500 of 600" in explain_missing_files(missing, 600, str(root))
    assert "slashes" in explain_missing_files(missing[250:], 600, str(root))


def test_paths_that_do_not_exist_are_found(root):
    assert find_missing_files(["D7/a.WAV", "D9/z.WAV", "a\0b.wav"], str(root)) == ["D9/z.WAV", "a\0b.wav"]


def test_nothing_is_said_if_no_recording_is_missing(root):
    assert explain_missing_files([], 10, str(root)) == ""


def test_links_out_of_the_root_are_found_and_links_within_it_are_not(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "elsewhere.wav").touch()
    (root / "a.wav").touch()
    (root / "within.wav").symlink_to(root / "a.wav")
    (root / "out.wav").symlink_to(tmp_path / "elsewhere.wav")
    found = find_outside_files(["a.wav", "within.wav", "out.wav"], str(root))
    assert found == ["out.wav"]
