"""The runs to train: every combination of the axes."""

from itertools import product

import pandas as pd

DESIGN_AXES = ("positive_subset", "negative_tier", "validation")


def expand(matrix: dict[str, list]) -> pd.DataFrame:
    """List every combination of the axes, as text.

    Parameters
    ----------
    matrix : the values of each axis: ``positive_subset, negative_tier, validation, seed`` and any training key.

    Returns
    -------
    One row per run, one column per axis, the seed last; text, so that values are the same in paths and in tables.
    """
    axes = axes_of(matrix)
    return pd.DataFrame(product(*(map(str, matrix[axis]) for axis in axes)), columns=axes, dtype=object)


def axes_of(matrix: dict[str, list]) -> list[str]:
    """The axes in the order of columns and folders: the design's, then training keys, then the seed."""
    others = [axis for axis in matrix if axis not in (*DESIGN_AXES, "seed")]
    return [*DESIGN_AXES, *others, "seed"]


def run_of(matrix: dict[str, list], chosen: dict) -> dict[str, str]:
    """The run that has the values of `chosen`, and the first of the matrix on every other axis, as text."""
    return {axis: str(chosen.get(axis, matrix[axis][0])) for axis in axes_of(matrix)}


def resolve(matrix: dict[str, list], training: dict, run: dict[str, str]) -> dict:
    """The training parameters of one run: the defaults, with the run's own value of each axis that is one of them."""
    own = {
        axis: next(value for value in matrix[axis] if str(value) == text)
        for axis, text in run.items()
        if axis in training
    }
    return training | own
