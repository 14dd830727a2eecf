"""Numbers as a person reads them."""

import pandas as pd

MISSING, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"


def points(value: float | None) -> str:
    """A difference of a rate in points (hundredths), signed; a dash where it is missing."""
    if value is None or pd.isna(value):
        return MISSING
    return f"{round(100 * value, 1) + 0:+.1f}".replace("-", MINUS)


def number(value: float | None, digits: int = 3) -> str:
    """A plain number with a fixed number of decimals; a dash where it is missing."""
    return MISSING if value is None or pd.isna(value) else f"{value:,.{digits}f}".replace("-", MINUS)
