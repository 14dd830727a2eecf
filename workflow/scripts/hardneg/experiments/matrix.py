"""The runs to train: every combination of the axes."""

from collections.abc import Mapping, Sequence
from itertools import product

import pandas as pd

DESIGN_AXES = ("positive_subset", "negative_tier", "validation")

# A value of an axis as the configuration holds it.
AxisValue = str | float | bool | list[int]


def expand(
    matrix: Mapping[str, Sequence[AxisValue]], leave_out: Sequence[Mapping[str, Sequence[AxisValue]]] = ()
) -> pd.DataFrame:
    """List the combinations of the axes as text, so that values are the same in paths and in tables.

    Parameters
    ----------
    matrix : the values of each axis: ``positive_subset, negative_tier, validation, seed`` and any training key.
    leave_out : values of some axes each. A run that has one of the values on all of these axes is not listed.

    Returns
    -------
    One row per run and one column per axis, in the order of :func:`order_axes`.

    Examples
    --------
    >>> tiers = {"positive_subset": ["base"], "negative_tier": ["none", "hard"]}
    >>> expand({**tiers, "validation": ["holdout"], "seed": [1, 2]})
      positive_subset negative_tier validation seed
    0            base          none    holdout    1
    1            base          none    holdout    2
    2            base          hard    holdout    1
    3            base          hard    holdout    2
    """
    axes = order_axes(matrix)
    runs = pd.DataFrame(product(*(map(str, matrix[axis]) for axis in axes)), columns=axes, dtype=object)
    is_listed = pd.Series(True, runs.index)
    for combination in leave_out:
        has_values = [runs[axis].isin(list(map(str, values))) for axis, values in combination.items()]
        is_listed &= ~pd.concat(has_values, axis=1).all(axis=1)
    return runs[is_listed].reset_index(drop=True)


def order_axes(matrix: Mapping[str, Sequence[AxisValue]]) -> list[str]:
    """Order the axes as columns and folders have them: the design's axes, then training keys, then the seed."""
    training_keys = [axis for axis in matrix if axis not in (*DESIGN_AXES, "seed")]
    return [*DESIGN_AXES, *training_keys, "seed"]


def select_run(matrix: Mapping[str, Sequence[AxisValue]], values: Mapping[str, AxisValue]) -> dict[str, str]:
    """Select the run with these `values`; an axis without a value takes its first in the matrix. Values are text."""
    return {axis: str(values.get(axis, matrix[axis][0])) for axis in order_axes(matrix)}


def resolve_training(
    matrix: Mapping[str, Sequence[AxisValue]], training: Mapping[str, AxisValue], run: Mapping[str, str]
) -> dict[str, AxisValue]:
    """Resolve the training settings of one run: the defaults, replaced by the run's value of each axis among them.

    Parameters
    ----------
    training : the defaults.
    run : the run's value on each axis, as text. The result has the value as the matrix has it, with its type.
    """
    replaced = {
        axis: next(value for value in matrix[axis] if str(value) == text)
        for axis, text in run.items()
        if axis in training
    }
    return {**training, **replaced}
