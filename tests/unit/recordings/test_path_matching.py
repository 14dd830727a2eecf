import unicodedata

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardneg.recordings.path_matching import match_paths


def manifest_of(*paths, recorders=()):
    """Recordings whose recorder is the last folder of their path, unless given."""
    names = recorders or [path.split("/")[-2] if "/" in path else "r" for path in paths]
    return pd.DataFrame({"file_path": paths, "recorder_id": names}, dtype=object)


def group_of(path, recordings, *others):
    """The recording that `path` matches, or the name of its group."""
    matches = match_paths([path, *others], recordings)
    groups = ["several", "elsewhere", "unknown"]
    return matches.matched.get(path) or next(name for name in groups if path in getattr(matches, name))


ARCHIVE = manifest_of("D7/20250312_200000.WAV", "D8/20250312_200000.WAV", "D8/20250313_211000.WAV", "flat.wav")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("D7/20250312_200000.WAV", "D7/20250312_200000.WAV"),
        ("/mnt/archive/D7/20250312_200000.WAV", "D7/20250312_200000.WAV"),
        ("E:\\CARD2\\D8\\20250313_211000.wav", "D8/20250313_211000.WAV"),
        ("./D8/20250313_211000.WAV", "D8/20250313_211000.WAV"),
        ("positive/20250313_211000.WAV", "D8/20250313_211000.WAV"),
        ("20250313_211000.WAV", "D8/20250313_211000.WAV"),
        ("20250313_211000", "D8/20250313_211000.WAV"),
        ("/elsewhere/flat.wav", "flat.wav"),
        ("20250312_200000.WAV", "several"),
        ("E:\\CARD1\\20250312_200000.WAV", "several"),
        ("/mnt/archive/D9/20250313_211000.WAV", "elsewhere"),
        ("D7/20250313_211000.WAV", "elsewhere"),
        ("D7/flat.wav", "elsewhere"),
        ("D7/20250312_200000.flac", "unknown"),
        ("d7/19990101_000000.WAV", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_path_matches_the_only_file_that_it_can_mean(path, expected):
    assert group_of(path, ARCHIVE) == expected


def test_accents_in_one_or_two_characters_are_the_same():
    composed, divided = (unicodedata.normalize(form, "étang/ü.wav") for form in ("NFC", "NFD"))
    assert group_of(divided, manifest_of(composed)) == composed
    assert group_of(composed, manifest_of(divided)) == divided


def test_a_shared_folder_that_is_not_the_recorders_does_not_show_whose_file_it_is():
    song_meter = manifest_of("SM4_A/Data/1.wav", recorders=["SM4_A"])
    assert group_of("/card/SM4_B/Data/1.wav", song_meter) == "elsewhere"
    assert group_of("/card/SM4_A/Data/1.wav", song_meter) == "SM4_A/Data/1.wav"
    assert group_of("/card/D7/1.wav", manifest_of("siteA/D7/1.wav")) == "siteA/D7/1.wav"


def test_folders_of_labels_do_not_count_and_a_path_may_name_the_recorder_instead():
    sorted_by_label = manifest_of("pool/1.wav", "positive/1.wav", "pool/2.wav", recorders=["D7", "M1", "D8"])
    assert group_of("/card/D7/1.wav", sorted_by_label) == "pool/1.wav"
    assert group_of("/card/M1/1.wav", sorted_by_label) == "positive/1.wav"
    assert group_of("/card/M1/2.wav", sorted_by_label) == "elsewhere"
    assert group_of("/card/1.wav", sorted_by_label) == "several"
    assert group_of("/card/2.wav", sorted_by_label) == "pool/2.wav"


def test_paths_that_compete_for_one_recording_are_not_matched_unless_one_names_it():
    recordings = manifest_of("D7/1.wav", "pool/2.wav", recorders=["D7", "D8"])
    assert group_of("siteA/D7/1.wav", recordings, "siteB/D7/1.wav") == "several"
    assert group_of("D7/1.wav", recordings, "siteB/D7/1.wav") == "D7/1.wav"
    assert group_of("siteB/D7/1.wav", recordings, "D7/1.wav") == "several"
    assert group_of("/old/D8/2.wav", recordings, "/old/Z9/2.wav") == "pool/2.wav"
    assert group_of("/old/Z9/2.wav", recordings, "/old/D8/2.wav") == "several"


def test_the_relative_and_the_absolute_path_of_one_file_both_match():
    recordings = manifest_of("D7/1.wav")
    assert match_paths(["D7/1.wav", "/data/D7/1.wav", "1.wav", "D7/1.WAV"], recordings).several == {
        "/data/D7/1.wav": ["D7/1.wav"], "1.wav": ["D7/1.wav"],
    }  # fmt: skip
    assert len(match_paths(["D7/1.wav", "/data/D7/1.wav"], recordings).matched) == 2
    assert len(match_paths(["D7/1.wav", "D7\\1.WAV"], recordings).matched) == 2


def test_what_does_not_match_is_described_with_examples():
    paths = ["D9/20250313_211000.WAV", "20250312_200000.WAV", *(f"{n}.wav" for n in range(5))]
    unknown, elsewhere, several = match_paths(paths, ARCHIVE).describe_problems()
    assert unknown == "5 paths fit no recording of the manifest: 0.wav; 1.wav; 2.wav; and 2 more"
    assert "1 path fits a recording's name, but in another folder: D9/20250313_211000.WAV (manifest: D8/" in elsewhere
    assert "20250312_200000.WAV (manifest: D7/20250312_200000.WAV, D8/20250312_200000.WAV)" in several
    assert match_paths(["D7/20250312_200000.WAV"], ARCHIVE).describe_problems() == []


# An archive of recorders with unique names, which share sites, subfolders and file names.
RECORDERS = [("north", "D7"), ("north", "D8"), ("south", "D9"), ("south", "M1")]
FILE = st.tuples(
    st.sampled_from(RECORDERS),
    st.sampled_from([(), ("Data",), ("2025", "Data")]),
    st.sampled_from(["1.wav", "2.WAV", "é.wav"]),
)
FILES = st.lists(FILE, max_size=12, unique=True)


def path_in_manifest(file, form):
    (site, recorder), subfolders, name = file
    folders = {"site": (site, recorder), "recorder": (recorder,), "label": ("pool", recorder), "sd": (recorder, "card")}
    return "/".join((*folders[form], *subfolders, name))


def path_in_table(file, form):
    (site, recorder), subfolders, name = file
    parts = {
        "absolute": ("/mnt", "archive", site, recorder, *subfolders, name),
        "relative": (recorder, *subfolders, name),
        "windows": ("E:", site, recorder, *subfolders, name.swapcase() if name.isascii() else name),
        "divided": ("", site, recorder, *subfolders, unicodedata.normalize("NFD", name)),
    }
    return ("\\" if form == "windows" else "/").join(parts[form])


@given(
    FILES,
    st.sampled_from(["site", "recorder", "label", "sd"]),
    st.lists(st.tuples(FILE, st.sampled_from(["absolute", "relative", "windows", "divided"])), max_size=12),
)
def test_no_path_is_ever_given_to_a_file_of_another_recorder(files, form, listed):
    paths = [path_in_manifest(file, form) for file in files]
    recordings = manifest_of(*paths, recorders=[file[0][1] for file in files])
    recorder_of = dict(zip(recordings.file_path, recordings.recorder_id, strict=True))
    table = {path_in_table(file, form): file for file, form in listed}
    matches = match_paths(table, recordings)
    for path, recording in matches.matched.items():
        assert recorder_of[recording] == table[path][0][1]
    groups = [matches.matched, matches.several, matches.elsewhere, matches.unknown]
    assert sorted(path for group in groups for path in group) == sorted(table), "each path is in one group"


@given(FILES.filter(len), st.sampled_from(["site", "recorder", "label"]), st.sampled_from(["absolute", "windows"]))
def test_a_table_of_the_whole_archive_finds_every_recording(files, form, table_form):
    paths = [path_in_manifest(file, form) for file in files]
    recordings = manifest_of(*paths, recorders=[file[0][1] for file in files])
    matches = match_paths([path_in_table(file, table_form) for file in files], recordings)
    assert list(matches.matched.values()) == paths


NAMES = st.text(st.sampled_from("ab./\\é"), min_size=1, max_size=8)


@given(st.lists(NAMES, unique=True, max_size=8), st.lists(NAMES, max_size=8))
def test_any_text_is_matched_or_reported(paths, listed):
    recordings = manifest_of(*paths, recorders=["r"] * len(paths)) if paths else manifest_of().astype(object)
    matches = match_paths(listed, recordings)
    groups = [matches.matched, matches.several, matches.elsewhere, matches.unknown]
    assert sorted(path for group in groups for path in group) == sorted(set(listed))
    assert set(matches.matched.values()) <= set(paths)
