import struct

import pytest

from hardneg.__main__ import main
from hardneg.recordings import manifest_draft
from hardneg.recordings.recorder_metadata import read_recorder

COMMENT = "Recorded at 21:30:00 12/03/2025 (UTC-8) by AudioMoth 24E144085F256E54 at medium gain while battery was 4.2V."
GUANO = "GUANO|Version: 1.0\nMake: Wildlife Acoustics\nSerial: SMU01234\nWA|Song Meter|Prefix: CREEK\n"


def chunk(name, content):
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def wave(*chunks, before_data=True):
    sound = [chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16)), chunk(b"data", bytes(16001))]
    parts = [sound[0], *chunks, sound[1]] if before_data else [*sound, *chunks]
    content = b"WAVE" + b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(content)) + content


def audiomoth(comment=COMMENT):
    return chunk(b"LIST", b"INFO" + chunk(b"ICMT", comment.encode() + b"\0" * 10))


def draft(tmp_path, *names, **contents):
    for name in names:
        path = tmp_path / "study" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents.get("content", b"x"))
    return manifest_draft.draft_manifest(tmp_path / "study")


@pytest.mark.parametrize(
    ("name", "recorder", "date"),
    [
        ("pool/SM4_A/Data/SM4A_20240312_213000.wav", "SM4A", "2024-03-12"),
        ("pool/SM4_A/Data/20240312_213000.wav", "SM4_A", "2024-03-12"),
        ("pool/GPS/SM304472_0+1_20160506$175304.wav", "SM304472", "2016-05-06"),
        ("pool/AM_old/5E90A4D4.WAV", "AM_old", "2020-04-10"),
        ("pool/BAR/20190508_AAO/201905 8T020000+1000_REC.flac", "BAR", "2019-05-08"),
        ("BAR/20190512_AAO/20190512T020000+1000_REC.flac", "BAR", "2019-05-12"),
        ("BAR/S20240901T103028.123456+1000_E2024.wav", "BAR", "2024-09-01"),
        ("iso/2025-07-14 08.55.26.wav", "iso", "2025-07-14"),
        ("rpi/birdnet_2025-08-02_22-12-19.flac", "rpi", "2025-08-02"),
        ("pos/M1/2025-03-12/20250312_213000T.WAV", "M1", "2025-03-12"),
        ("Positives/20250312_213000.WAV", "study", "2025-03-12"),
        ("D7/SITE 3_20250312_213000.WAV", "SITE 3", "2025-03-12"),
        ("D7/20251345_213000.WAV", "D7", ""),
        ("D7/call 7.wav", "D7", ""),
        ("D7/20250312.wav", "D7", ""),
    ],
)
def test_recorder_and_date_are_those_that_a_person_would_read(tmp_path, name, recorder, date):
    row = draft(tmp_path, name).table.iloc[0]
    assert (row.recorder_id, row.date) == (recorder, date)


@pytest.mark.parametrize(
    ("folder", "label", "split"),
    [
        ("positive", "positive", ""), ("Pos", "positive", ""), ("negatives", "negative", ""), ("neg/x", "negative", ""),
        ("pool/D7", "negative", "pool"), ("D7", "", ""),
    ],
)  # fmt: skip
def test_a_folder_gives_the_label(tmp_path, folder, label, split):
    row = draft(tmp_path, f"{folder}/20250312_213000.WAV").table.iloc[0]
    assert (row.label, row.split) == (label, split)


@pytest.mark.parametrize("before_data", [True, False])
def test_an_audiomoth_names_itself_and_its_time_in_a_comment(tmp_path, before_data):
    content = wave(audiomoth(), before_data=before_data)
    row = draft(tmp_path, "positive/call 7.wav", content=content).table.iloc[0]
    assert (row.recorder_id, row.date, row.time) == ("24E144085F256E54", "2025-03-12", "21:30:00")


def test_the_prefix_in_guano_metadata_goes_before_the_serial_number(tmp_path):
    text = GUANO + "Timestamp: 2025-03-12T21:30:00-08:00\n"
    (tmp_path / "a.wav").write_bytes(wave(chunk(b"guan", text.encode()), before_data=False))
    facts = read_recorder(tmp_path / "a.wav")
    assert facts.name == "CREEK" and str(facts.recorded_at) == "2025-03-12 21:30:00"
    (tmp_path / "a.wav").write_bytes(wave(chunk(b"guan", GUANO.split("WA|")[0].encode())))
    assert read_recorder(tmp_path / "a.wav").name == "SMU01234"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"RIFF",
        b"RIFF\0\0\0\0WAVELIST\xff\xff\xff\xff",
        wave(audiomoth("Recorded at 99:99:99 99/99/2025")),
        b"fLaC",
    ],
)
def test_a_damaged_file_says_nothing_of_its_recorder(tmp_path, content):
    (tmp_path / "a.wav").write_bytes(content)
    facts = read_recorder(tmp_path / "a.wav")
    assert facts.name == "" and str(facts.recorded_at) == "NaT"


def test_what_may_be_wrong_with_a_folder_is_said(tmp_path, capsys):
    draft(
        tmp_path,
        *("A/M1_20250312_213000.wav", "B/M1_20250313_213000.wav", "C/19700101_000312.WAV", "C/call.wav"),
        *("positive/20250312_220000.WAV", "D/._20250312_213000.WAV", "D/SM_20250312_213000.w4v", "D/SM_Summary.txt"),
    )
    assert main(["manifest", str(tmp_path / "study"), "--output", str(tmp_path / "m.csv")]) == 0
    printed = capsys.readouterr().out
    for problem in (
        "1 recording(s) have no date, neither in the name nor in the file: C/call.wav",
        "1 recording(s) are dated before 2000: C/19700101_000312.WAV",
        "nothing names the recorder of 1 recording(s), so it is called like the folder: positive/20250312_220000.WAV",
        "recorder M1 is in several folders (A, B)",
        "left out, because their endings are not those of recordings: 1 .txt, 1 .w4v",
        "left out: 1 file(s) '._...' that a Mac wrote",
    ):
        assert problem in printed
    lines = [line.split() for line in printed.splitlines()]
    assert ["M1", "0", "0", "0", "2", "2", "2025-03-12", "2025-03-13", "file", "name"] in lines
