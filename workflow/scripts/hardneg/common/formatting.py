"""Format numbers and names for people."""

import re
import unicodedata

import pandas as pd

MISSING, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"
# Unicode categories of characters that change how text is laid out, such as line breaks and reading direction.
CONTROL_CATEGORIES = ("Cc", "Cf", "Zl", "Zp")


def format_points(value: float | None) -> str:
    """Format the difference of a rate in points (hundredths), with its sign; a dash if it is missing."""
    if value is None or pd.isna(value):
        return MISSING
    return f"{round(100 * value, 1) + 0:+.1f}".replace("-", MINUS)


def format_number(value: float | None, digits: int = 3) -> str:
    """Format a number with a fixed number of decimals; a dash if it is missing."""
    return MISSING if value is None or pd.isna(value) else f"{value:,.{digits}f}".replace("-", MINUS)


def quote_name(name: str) -> str:
    """Put quotation marks around a name that could be read as a word of the sentence, such as the tier "none"."""
    return f"\N{LEFT DOUBLE QUOTATION MARK}{name}\N{RIGHT DOUBLE QUOTATION MARK}"


def escape_control_characters(name: str) -> str:
    """Show characters of a name that change how text is laid out (line breaks, reading direction) as code points.

    >>> escape_control_characters("two\\nlines")
    'two⟨U+000A⟩lines'
    """
    return "".join(
        f"⟨U+{ord(character):04X}⟩" if unicodedata.category(character) in CONTROL_CATEGORIES else character
        for character in name
    )


def escape_markdown(value: object) -> str:
    """Show a text unchanged in Markdown: in one line, without markup and without HTML.

    >>> print(escape_markdown("<b>*frog*</b>"))
    \\<b\\>\\*frog\\*\\</b\\>
    """
    return re.sub(r"([\\`*_{}\[\]<>#|&~!])", r"\\\1", escape_control_characters(str(value)))
