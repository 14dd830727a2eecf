"""The commands of ``python -m hardneg`` that need no recordings."""

import os

import pandas as pd
import pytest

from hardneg.__main__ import main

ASSUMED = ["--seed-sd", "2", "--night-sd", "20", "--test-nights", "10", "40"]


def test_a_study_is_planned_from_assumptions_with_a_table_and_a_figure(tmp_path, capsys):
    assert main(["plan", *ASSUMED, "--seeds", "3", "10", "--output", str(tmp_path / "new")]) == 0
    table = pd.read_csv(tmp_path / "new/plan.csv")
    assert list(zip(table.seeds, table.nights, strict=True)) == [(3, 10), (3, 40), (10, 10), (10, 40)]
    assert (tmp_path / "new/plan.svg").read_text().count("<svg") == 1
    assert f"{100 * table.detectable_effect[0]:.1f}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Give the folder of finished results"),
        (ASSUMED[:4], "all of --seed-sd"),
        (["gone"], "gone has no deltas.csv"),
        ([*ASSUMED, "--power", "1"], "--power is a probability"),
        ([*ASSUMED, "--seeds", "1"], "numbers from 2 on"),
    ],
)
def test_a_plan_without_what_it_needs_is_refused(arguments, message, capsys):
    assert main(["plan", *arguments]) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--threshold", "nan", "nan is not a confidence between 0 and 1"),
        ("--threshold", "1.5", "1.5 is not a confidence between 0 and 1"),
        ("--threshold", "high", "invalid"),
        ("--threads", "0", "0 is not a number from 1 on"),
        ("--threads", "many", "invalid"),
    ],
)
def test_a_number_that_a_detector_cannot_use_is_refused(option, value, message, capsys):
    with pytest.raises(SystemExit) as end:
        main(["predict", "model", "recordings", option, value])
    assert end.value.code == 2
    assert message in capsys.readouterr().err


def test_a_file_in_place_of_the_output_folder_is_named(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["plan", *ASSUMED, "--output", str(tmp_path / "file")]) == 1
    assert "file: File exists. A file stands where a folder should be." in capsys.readouterr().err


def test_a_manifest_with_a_name_that_it_cannot_contain_is_refused(tmp_path, capsys):
    (tmp_path / os.fsdecode(b"caf\xe9.wav")).touch()
    assert main(["manifest", str(tmp_path), "--output", str(tmp_path / "m.csv")]) == 1
    assert "1 recording(s) have names that are not UTF-8, such as b'caf\\xe9.wav'" in capsys.readouterr().err
    assert not (tmp_path / "m.csv").exists()
