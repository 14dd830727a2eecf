"""The layout of the table of differences, ``deltas.csv``."""

import pandas as pd


def axes_of(deltas: pd.DataFrame) -> list[str]:
    """Return the axes of the matrix: the columns between ``baseline`` and ``split``.

    The axis that a comparison varies is missing in its own rows. Its value is in the column ``value``.
    """
    columns = list(deltas.columns)
    return columns[columns.index("baseline") + 1 : columns.index("split")]


def varying_axes(deltas: pd.DataFrame) -> list[str]:
    """Return the axes with more than one value, which a reader needs to tell the rows apart."""
    return [axis for axis in axes_of(deltas) if deltas[axis].nunique() > 1]
