import numpy as np
import pandas as pd
import pytest

from hardneg.common.errors import InputError
from hardneg.recordings import detection_tables

FROG = ("D7/1.WAV", 3.0, 6.0, "Rana exempli", "Example Frog", 0.91)
CSV = "Start (s),End (s),Scientific name,Common name,Confidence"
RAVEN = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)"
SELECTION = "1\tSpectrogram 1\t1\t3.0\t6.0\t0\t15000"


@pytest.fixture
def read(tmp_path):
    def read(text, name="D7/1.BirdNET.results.csv", encoding="utf-8"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode(encoding))
        assert detection_tables.is_detection_table(path)
        return detection_tables.read_detections(path, tmp_path)

    return read


def test_detections_are_read_back_from_both_formats(tmp_path):
    detections = pd.DataFrame(
        {"file_path": "x/rec.wav", "start_s": [0.0, 4.5], "end_s": [3.0, 7.5], "confidence": [0.51234, 0.9]}
    )
    detection_tables.write_detections(detections, "Rana draytonii_Red-legged Frog", 24000, tmp_path / "rec")
    for suffix in (detection_tables.CSV_SUFFIX, detection_tables.RAVEN_SUFFIX):
        table = detection_tables.read_detections(tmp_path / f"rec{suffix}")
        np.testing.assert_allclose(table[["start_s", "end_s"]], detections[["start_s", "end_s"]])
        np.testing.assert_allclose(table.confidence, [0.5123, 0.9])
        assert list(table.scientific_name.unique()) == ["Rana draytonii"]
        assert list(table.common_name.unique()) == ["Red-legged Frog"]


VARIANTS = {
    "BirdNET 1 without File": (f"{CSV}\n3.0,6.0,Rana exempli,Example Frog,0.91\n", "D7/1.BirdNET.results.csv", {"file_path": "D7/1"}),
    "BirdNET-Lite with semicolons": (f"{CSV}\n3.0,6.0,Rana exempli,Example Frog,0.91\n".replace(",", ";"), "D7/1.csv", {"file_path": "D7/1"}),
    "BirdNET 2 with File": (f"{CSV},File\n3.0,6.0,Rana exempli,Example Frog,0.91,D7/1.WAV\n", "BirdNET_CombinedTable.csv", {}),
    "BirdNET 2 with more columns": (f"{CSV},File,lat,week\n3.0,6.0,Rana exempli,Example Frog,0.91,D7/1.WAV,-1,-1\n", "x.csv", {}),
    "BirdNET for R": ("filepath,start,end,scientific_name,common_name,confidence,lat\nD7/1.WAV,3,6,Rana exempli,Example Frog,0.91,-1\n", "1.BirdNET.results.r.csv", {}),
    "a spreadsheet's copy with decimal commas": (f"{CSV},File\n3,0,6,0\n".split("\n")[0].replace(",", ";") + "\n3,0;6,0;Rana exempli;Example Frog;0,91;D7/1.WAV\n", "x.csv", {}),
    "Raven by BirdNET with Scientific Name": (f"{RAVEN}\tCommon Name\tScientific Name\tSpecies Code\tConfidence\tBegin Path\tFile Offset (s)\n{SELECTION}\tExample Frog\tRana exempli\texafro1\t0.91\tD7/1.WAV\t3.0\n", "BirdNET_SelectionTable.txt", {}),
    "Raven by BirdNET with codes only": (f"{RAVEN}\tCommon Name\tSpecies Code\tConfidence\tBegin Path\tFile Offset (s)\n{SELECTION}\tExample Frog\texafro1\t0.91\tD7/1.WAV\t3.0\n", "x.txt", {"scientific_name": "exafro1"}),
    "Raven with Begin File in the recorder's folder": (f"{RAVEN}\tBegin File\tCommon Name\tSpecies Code\tConfidence\n{SELECTION}\t1.WAV\tExample Frog\tRana exempli\t0.91\n", "D7/x.selections.txt", {}),
    "Raven with Begin File, tables in one folder": (f"{RAVEN}\tBegin File\tSpecies\n{SELECTION}\t1.WAV\tExample Frog\n", "x.txt", {"file_path": "1.WAV", "confidence": 1.0, "scientific_name": ""}),
    "Raven by hand": (f"{RAVEN}\tAnnotation\n{SELECTION}\tExample Frog\n", "D7/1.Table.1.selections.txt", {"file_path": "D7/1", "confidence": 1.0, "scientific_name": ""}),
    "Raven in UTF-16": (f"{RAVEN}\tAnnotation\n{SELECTION}\tExample Frog\n", "1.txt", {"file_path": "1", "confidence": 1.0, "scientific_name": ""}),
    "Raven with two views": (f"{RAVEN}\tAnnotation\n{SELECTION}\tExample Frog\n{SELECTION.replace('Spectrogram', 'Waveform')}\tExample Frog\n", "1.txt", {"file_path": "1", "confidence": 1.0, "scientific_name": ""}),
    "Raven with offsets from file to file": (f"{RAVEN}\tAnnotation\tBegin File\tFile Offset (s)\n{SELECTION.replace('3.0', '603.0').replace('6.0', '606.0')}\tExample Frog\t1.WAV\t3.0\n".replace("60606.0", "606.0"), "D7/x.txt", {"confidence": 1.0, "scientific_name": ""}),
}  # fmt: skip


@pytest.mark.parametrize("variant", VARIANTS)
def test_each_programs_table_is_read(variant, read):
    text, name, differences = VARIANTS[variant]
    table = read(text, name, "utf-16" if "UTF-16" in variant else "utf-8")
    columns = ["file_path", "start_s", "end_s", "scientific_name", "common_name", "confidence"]
    assert table.columns.tolist() == columns
    assert [tuple(row) for row in table.to_numpy()] == [
        tuple((dict(zip(columns, FROG, strict=True)) | differences).values())
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("INDIR,FOLDER,IN FILE,OFFSET\n/mnt,D7,1.WAV,0.0\n", "its columns are INDIR, FOLDER, IN FILE, OFFSET. It needs start_s, end_s and label, or Start"),
        (f"{RAVEN}\tNotes\n{SELECTION}\tfrog\n", "a column with the name of the species, such as Common Name"),
        (f"{CSV}\n0,3,Rana,Frog,1.4\n", "line 2: Confidence is '1.4'"),
        (f"{CSV}\n0,3,Rana,Frog,\n", "a Confidence that is not from 0 to 1"),
        (f"{CSV}\n0,3,Rana,Frog,high\n", "line 2: Confidence is 'high'"),
        (f"{CSV}\n3,3,Rana,Frog,0.5\n", "no end after their start"),
        (f"{CSV}\n,3,Rana,Frog,0.5\n", "no end after their start"),
        (f"{CSV}\n0,3,Rana,Frog, far away,0.5\n", "line 2: 6 cells"),
        (f"{RAVEN}\tAnnotation\tBegin File\n{SELECTION}\tf\t1.WAV\n{SELECTION}\tf\t2.WAV\n", "names 2 recordings but has no column File Offset"),
        (f"{RAVEN}\tAnnotation\tFile Offset (s)\n{SELECTION}\tf\t\n", "no File Offset"),
        ("", "is empty"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_used_is_refused_with_its_line_or_columns(text, message, tmp_path):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InputError) as error:
        detection_tables.read_detections(tmp_path / "t.csv")
    assert message in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "File splitting duration,Segment length,Sample rate\n600,3.0,48000\n",
        "Parameter,Value\nModel,BirdNET\nMinimum confidence,0.1\n",
        "INDIR,FOLDER,IN FILE,OFFSET,DURATION,scientific_name,common_name,confidence\n/mnt,D7,1.WAV,0,3,Rana,Frog,0.9\n",
        "DATE,TIME,LAT,,LON,,POWER(V),TEMP(C),#FILES,MIC0 TYPE\n2025-Mar-12,20:00:00,0.0,N,0.0,E,5.4,11.25,1,U0\n",
        "Analysis started\n",
        "",
        "\0\1\2",
    ],
)
def test_side_files_of_other_programs_are_not_taken_for_detections(text, tmp_path):
    (tmp_path / "t.csv").write_text(text)
    assert not detection_tables.is_detection_table(tmp_path / "t.csv")


def test_a_large_table_is_recognized_by_its_first_lines(tmp_path):
    row = "0,3,Rana exempli,Fröschlein,0.5\n"
    for encoding in ("utf-8", "utf-16"):
        (tmp_path / "t.csv").write_bytes((f"{CSV}\n" + row * 4000).encode(encoding))
        assert detection_tables.is_detection_table(tmp_path / "t.csv")
