"""Seeds that were added to single arms after a look at the verdicts."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from hardneg.common import tables, text_tables
from hardneg.common.errors import InputError

NAME = "added_seeds.csv"


def read_added_seeds(results: str | os.PathLike[str], axes: Sequence[str]) -> list[dict[str, str]]:
    """Read which runs were added to the matrix.

    Parameters
    ----------
    results : the folder of the results.
    axes : all axes, with the seed last.

    Returns
    -------
    The value of each axis for each run, as text; empty if none was added.

    Raises
    ------
    InputError
        If the table lacks an axis, or a seed is not a number.
    """
    path = Path(results, NAME)
    if not path.is_file():
        return []
    table = text_tables.read(path, str(path), list(axes))
    missing = [axis for axis in axes if axis not in table.columns]
    if missing:
        raise InputError(f"{path} lacks the column {missing[0]}: delete it, and run `python -m hardneg decide` again.")
    text_tables.refuse_rows(table, ~table.seed.str.fullmatch("[0-9]+"), str(path), "a seed that is no number", ["seed"])
    rows: list[dict[str, str]] = table[list(axes)].drop_duplicates().to_dict("records")
    return rows


def select_added_runs(added: Sequence[Mapping[str, str]], runs: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Select the added runs whose arm is in the matrix and whose seed is not."""
    arms = {tuple(_name_arm(run)) for run in runs}
    seeds = {run["seed"] for run in runs}
    return [dict(run) for run in added if tuple(_name_arm(run)) in arms and run["seed"] not in seeds]


def write_added_seeds(results: str | os.PathLike[str], runs: Sequence[Mapping[str, str]]) -> None:
    """Write the runs that are added to the matrix."""
    tables.write(pd.DataFrame(list(runs)), Path(results, NAME))


def _name_arm(run: Mapping[str, str]) -> list[str]:
    return [value for axis, value in run.items() if axis != "seed"]
