"""The commands of ``python -m hardneg`` that need no recordings."""

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
