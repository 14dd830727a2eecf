"""Numbers and names as a person reads them."""

import unicodedata

import pandas as pd

MISSING, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"


def format_points(value: float | None) -> str:
    """A difference of a rate in points (hundredths), signed; a dash where it is missing."""
    if value is None or pd.isna(value):
        return MISSING
    return f"{round(100 * value, 1) + 0:+.1f}".replace("-", MINUS)


def format_number(value: float | None, digits: int = 3) -> str:
    """A plain number with a fixed number of decimals; a dash where it is missing."""
    return MISSING if value is None or pd.isna(value) else f"{value:,.{digits}f}".replace("-", MINUS)


def quote_name(name: str) -> str:
    """A name that could be read as a word of the sentence, such as that of the tier "none"."""
    return f"\N{LEFT DOUBLE QUOTATION MARK}{name}\N{RIGHT DOUBLE QUOTATION MARK}"


def escape_control_characters(name: str) -> str:
    """A name from outside, with characters that steer text (line breaks, reading direction) shown as what they are.

    >>> escape_control_characters("two\\nlines")
    'two⟨U+000A⟩lines'
    """
    steering = ("Cc", "Cf", "Zl", "Zp")
    return "".join(f"⟨U+{ord(one):04X}⟩" if unicodedata.category(one) in steering else one for one in name)
