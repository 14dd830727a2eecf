"""Manifests as spreadsheets, scripts and people leave them, each with what is read from it or why it is refused."""

import pytest

from hardneg.common.errors import InputError
from hardneg.recordings import manifest

PLAIN = (
    "file_path,label,recorder_id,site,date\n"
    "étang/a.wav,positive,007,étang,2025-03-12\n"
    "b.wav,negative,7,NA,\n"
    "c.wav,negative,None,null,2025-03-13\n"
)
ROWS = [
    ("étang/a.wav", "positive", "007", "étang", "2025-03-12"),
    ("b.wav", "negative", "7", "NA", ""),
    ("c.wav", "negative", "None", "null", "2025-03-13"),
]
SEMICOLONS, TABS = PLAIN.replace(",", ";"), PLAIN.replace(",", "\t")


def each_line(text, added):
    return "".join(f"{line}{added}\n" for line in text.splitlines())


def dated(date):
    return PLAIN.replace("2025-03-12", date)


READ = {
    "plain": PLAIN.encode(),
    "byte-order mark": PLAIN.encode("utf-8-sig"),
    "UTF-16 of a spreadsheet's Unicode text": TABS.encode("utf-16"),
    "UTF-16, big-endian": b"\xfe\xff" + TABS.encode("utf-16-be"),
    "UTF-16 without a mark": PLAIN.encode("utf-16-le"),
    "UTF-16, big-endian, without a mark": PLAIN.encode("utf-16-be"),
    "Windows-1252": PLAIN.encode("cp1252"),
    "Windows-1252 with semicolons": SEMICOLONS.encode("cp1252"),
    "semicolons": SEMICOLONS.encode(),
    "tabs": TABS.encode(),
    "Windows line ends": PLAIN.replace("\n", "\r\n").encode(),
    "old Mac line ends": PLAIN.replace("\n", "\r").encode(),
    "no line end at the end": PLAIN.rstrip().encode(),
    "sep=; first": f"sep=;\n{SEMICOLONS}".encode(),
    "sep=, in quotes": f'"sep=,"\r\n{PLAIN}'.encode(),
    "sep and a byte-order mark": f"sep=;\n{SEMICOLONS}".encode("utf-8-sig"),
    "sep=tab": f"sep=\t\n{TABS}".encode(),
    "empty columns": each_line(SEMICOLONS, ";;;").encode(),
    "one comma at the end of each line": each_line(PLAIN, ",").encode(),
    "an empty column in the middle": PLAIN.replace("label,", "label,,").replace("tive,", "tive,,").encode(),
    "empty rows": f"{SEMICOLONS}{';;;;' * 2}\n;;;;\n\n".encode(),
    "empty lines before the header": f"\n\n{PLAIN}".encode(),
    "empty lines between rows": PLAIN.replace("\n", "\n\n").encode(),
    "header in capitals": PLAIN.replace("file_path,label,recorder_id", "File_Path,LABEL,Recorder_ID").encode(),
    "header with spaces": PLAIN.replace("label,recorder_id", " label , recorder_id ").encode(),
    "header in quotes": PLAIN.replace("file_path,label", '"file_path","label"').encode(),
    "every cell in quotes": "".join(
        ",".join(f'"{cell}"' for cell in line.split(",")) + "\n" for line in PLAIN.splitlines()
    ).encode(),
    "spaces around cells": PLAIN.replace(",positive,", ", Positive ,").encode(),
    "columns in another order": "".join(
        ",".join(reversed(line.split(","))) + "\n" for line in PLAIN.splitlines()
    ).encode(),
    "date without zeros": dated("2025-3-12").encode(),
    "date with slashes, year first": dated("2025/03/12").encode(),
    "date of digits": dated("20250312").encode(),
    "date with midnight": dated("2025-03-12 00:00:00").encode(),
    "date with midnight in ISO form": dated("2025-03-12T00:00:00").encode(),
}
REFUSED = {
    "a spreadsheet": (b"PK\x03\x04" + bytes(50), "is a spreadsheet (.xlsx or .ods)"),
    "an old spreadsheet": (b"\xd0\xcf\x11\xe0" + bytes(50), "is a spreadsheet (.xls)"),
    "compressed": (b"\x1f\x8b\x08" + bytes(50), "is compressed with gzip"),
    "UTF-32": (PLAIN.encode("utf-32"), "is in UTF-32"),
    "nothing": (b"", "is empty"),
    "empty lines": (b"\n\n \n", "is empty"),
    "half UTF-8, half Windows-1252": (PLAIN.encode() + "ü.wav,negative,1,,\n".encode("cp1252"), "mixes UTF-8 with another encoding: line 5"),
    "not Windows-1252": (PLAIN.encode("cp1252") + b"\x81.wav,negative,1,,\n", "neither UTF-8 nor Windows-1252 text: see line 5"),
    "a zero byte": (PLAIN.replace("b.wav", "b\0.wav").encode(), "line 3 contains a zero byte"),
    "vertical bars": (PLAIN.replace(",", "|").encode(), "has its columns separated by vertical bars"),
    "spaces": (PLAIN.replace(",", " ").encode(), "has its columns separated by spaces"),
    "another sep": (b"sep=|\n" + PLAIN.encode(), "names '|' as its delimiter"),
    "a title above": (f"My recordings,,,,\n{PLAIN}".encode(), "has its column names in line 2"),
    "a title and an empty line above": (f"Pond 2025\n\n{SEMICOLONS}".encode(), "has its column names in line 3"),
    "a row too short": (PLAIN.replace(",None,null", ",None").encode(), "line 4: 4 cells"),
    "a comma at the end of a row": (PLAIN.replace(",NA,", ",NA,,").encode(), "line 3: 6 cells"),
    "a comma in a name": (PLAIN.replace("b.wav", "b,1.wav").encode(), "line 3: 6 cells"),
    "a column without a name": (each_line(PLAIN, ",x").replace("date,x", "date,").encode(), "column 6 has no name, but line 2 has 'x'"),
    "a column twice": (PLAIN.replace("site", "Label").encode(), "has the column(s) label more than once"),
    "an open quote": (PLAIN.replace("b.wav", '"b.wav').encode(), "cannot be read as a table: line 3"),
    "text after a quote": (PLAIN.replace("b.wav", '"b".wav').encode(), "cannot be read as a table: line 3"),
    "labels of 0 and 1": (PLAIN.replace("negative", "0").encode(), "line 3: b.wav: label is '0'"),
    "date with the month first": (dated("3/12/2025").encode(), "line 2: étang/a.wav: date is '3/12/2025'"),
    "date with the day first": (dated("12.03.2025").encode(), "it must be YYYY-MM-DD"),
    "date as a serial number": (dated("45728").encode(), "date is '45728'"),
    "date with a time": (dated("2025-03-12 21:30:00").encode(), "it must be YYYY-MM-DD"),
    "no such day": (dated("2025-02-30").encode(), "date is '2025-02-30'"),
    "recorders that differ in case": (PLAIN.replace("007", "a1").replace(",7,", ",A1,").encode(), "line 3: b.wav: recorder_id is 'A1'"),
    "recorders that differ in spaces": (PLAIN.replace("007", "A 1").replace(",7,", ",A1,").encode(), "names in recorder_id differ in case or spaces only"),
    "sites that differ in case": (PLAIN.replace(",NA,", ",Étang,").encode(), "line 2: étang/a.wav: site is 'étang'"),
    "sites that differ in the form of their accents": (PLAIN.replace(",NA,", ",e\u0301tang,").encode(), "names in site differ"),
}  # fmt: skip


@pytest.mark.parametrize("variant", READ)
def test_each_variant_is_read_with_its_names_as_text(variant, tmp_path):
    (tmp_path / "m.csv").write_bytes(READ[variant])
    table = manifest.read(tmp_path / "m.csv")
    columns = ["file_path", "label", "recorder_id", "site", "date"]
    assert [tuple(row) for row in table[columns].to_numpy()] == ROWS
    assert not [name for name in table.columns if not name or name.startswith("Unnamed")]


@pytest.mark.parametrize("variant", REFUSED)
def test_each_variant_is_refused_with_its_reason(variant, tmp_path):
    content, expected = REFUSED[variant]
    (tmp_path / "m.csv").write_bytes(content)
    with pytest.raises(InputError) as error:
        manifest.read(tmp_path / "m.csv")
    assert expected in str(error.value)
