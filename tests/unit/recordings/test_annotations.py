import pandas as pd
import pytest

from hardneg.__main__ import main
from hardneg.common.errors import InputError
from hardneg.recordings import annotations, manifest

RAVEN = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tAnnotation\n"
FROG, BIRD = "Red-legged Frog", "Marsh Wren"


def raven(*rows):
    cells = [
        f"{n}\tSpectrogram 1\t1\t{start}\t{end}\t200\t2000\t{name}\n" for n, (start, end, name) in enumerate(rows, 1)
    ]
    return RAVEN + "".join(cells)


@pytest.fixture
def folder(tmp_path, wav):
    """Three recordings of one recorder, one of them in the pool, and tables of Raven beside them."""
    for name in ("M1/20250312_213000.WAV", "M1/20250312_220000.WAV", "pool/D7/20250312_213000.WAV"):
        (tmp_path / "audio" / name).parent.mkdir(parents=True, exist_ok=True)
        wav(f"audio/{name}", seconds=20)
    tables = tmp_path / "tables/M1"
    tables.mkdir(parents=True)
    table = raven((12.5, 14, FROG), (2, 3.25, FROG), (5, 6, BIRD))
    (tables / "20250312_213000.Table.1.selections.txt").write_text(table)
    (tables / "20250312_220000.Table.1.selections.txt").write_text(raven())
    return tmp_path


def draft(folder, *options):
    arguments = ["manifest", str(folder / "audio"), "--output", str(folder / "manifest.csv"), *options]
    code = main([*arguments, "--annotations", str(folder / "tables")])
    return code, pd.read_csv(folder / "manifest.csv", dtype=str).fillna("") if code == 0 else None


def test_calls_in_raven_tables_become_rows_with_times(folder, capsys):
    _, table = draft(folder, "--label", "red-legged frog", "--complete")
    rows = table[["file_path", "label", "start_s", "end_s", "annotated", "split"]].to_numpy().tolist()
    assert rows == [
        ["M1/20250312_213000.WAV", "positive", "2", "3.25", "complete", ""],
        ["M1/20250312_213000.WAV", "positive", "12.5", "14", "complete", ""],
        ["M1/20250312_220000.WAV", "negative", "", "", "complete", ""],
        ["pool/D7/20250312_213000.WAV", "negative", "", "", "", "pool"],
    ]
    assert "2 fit the folder, 1 have calls (2 in all), 1 have none" in capsys.readouterr().out
    read = manifest.read(folder / "manifest.csv")
    assert read.stretches.tolist() == ["positive 2-3.25; positive 12.5-14", "", ""]


def test_tables_that_do_not_list_every_call_leave_recordings_without_a_label(folder, capsys):
    _, table = draft(folder, "--label", FROG)
    assert dict(zip(table.file_path, table.label, strict=True))["M1/20250312_220000.WAV"] == ""
    assert (table.annotated == "").all() and "add --complete" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "the annotations have several names: 'Red-legged Frog' (2), 'Marsh Wren' (1)"),
        (["--label", "Bullfrog"], "no annotation is called 'Bullfrog'. They are called: 'Red-legged Frog' (2)"),
    ],
)
def test_the_names_of_annotations_are_listed_if_the_target_is_not_clear(folder, capsys, options, message):
    code, _ = draft(folder, *options)
    assert code == 1 and message in capsys.readouterr().err


def test_a_call_after_the_end_of_the_recording_is_left_out_and_said(folder, capsys):
    table = folder / "tables/M1/20250312_220000.Table.1.selections.txt"
    table.write_text(raven((19, 25, FROG), (31, 32, FROG)))
    _, drafted = draft(folder, "--label", FROG)
    assert drafted.start_s[drafted.file_path == "M1/20250312_220000.WAV"].tolist() == ["19"]
    assert "1 call(s) begin after the end of their recording" in capsys.readouterr().out


def test_calls_in_the_pool_and_of_unknown_recordings_are_said_and_not_used(folder, capsys):
    for name in ("D7/20250312_213000", "X9/20250312_213000"):
        path = folder / f"tables/{name}.selections.txt"
        path.parent.mkdir()
        path.write_text(raven((1, 2, FROG)))
    _, table = draft(folder, "--label", FROG)
    assert (table.start_s != "").sum() == 2
    printed = capsys.readouterr().out
    assert "1 call(s) are in recordings of the pool" in printed
    assert "1 call(s) are left out, because their recording is not certain" in printed


AUDACITY = "2.000000\t3.250000\tfrog\n\\\t200.0\t2000.0\n12.500000\t14.000000\tfrog\n"
CROWSETTA = "label,onset_s,offset_s,notated_path,annot_path,sequence,annotation\n"
VARIANTS = {
    "audacity.txt": AUDACITY,
    "audacity_comma.txt": AUDACITY.replace(".", ","),
    "crowsetta.csv": CROWSETTA + "frog,2,3.25,a.WAV,a.txt,0,0\nfrog,12.5,14,a.WAV,a.txt,0,0\n",
    "simple.csv": "onset_s,offset_s,label\n2,3.25,frog\n12.5,14,frog\n",
    "own.csv": "start_s,end_s,label\n2,3.25,frog\n12.5,14,frog\n",
    "semicolons.csv": "start_s;end_s;label\n2;3,25;frog\n12,5;14;frog\n",
    "birdnet.csv": "Start (s),End (s),Scientific name,Common name,Confidence\n2,3.25,Rana,frog,0.9\n12.5,14,Rana,frog,1\n",
    "birdnet_r.csv": "filepath,start,end,scientific_name,common_name,confidence\na.WAV,2,3.25,Rana,frog,.9\na.WAV,12.5,14,Rana,frog,1\n",
    "raven.txt": raven((2, 3.25, "frog"), (12.5, 14, "frog")),
    "raven_utf16.txt": raven((2, 3.25, "frog"), (12.5, 14, "frog")).encode("utf-16"),
}  # fmt: skip


@pytest.mark.parametrize("name", VARIANTS)
def test_tables_of_many_programs_give_the_same_calls(tmp_path, name):
    content = VARIANTS[name]
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    read = annotations.read_annotations([tmp_path / name])
    calls = annotations.select_calls(read.rows, ["Frog"])
    assert calls[["start_s", "end_s"]].to_numpy().tolist() == [[2, 3.25], [12.5, 14]]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", "2\t2\tfrog\n", "line 1"),
        ("a.csv", "onset,offset\n1,2\n", "its columns are onset, offset"),
        ("gone.csv", None, "does not exist"),
    ],
)
def test_what_is_no_table_of_annotations_is_refused_by_name(tmp_path, name, content, message):
    if content:
        (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=message):
        annotations.read_annotations([tmp_path / name])
