"""Keep spreadsheets from running text as a formula.

A spreadsheet runs a cell that begins with ``=``, ``+``, ``-`` or ``@``, and some do so after a tab or a line break too.
Names of files, sites and recorders come from other people. In CSV files, such text begins with an apostrophe, which
spreadsheets take as the sign for text.
"""

import re

import pandas as pd

FIRST_CHARACTERS = r"=+\-@\t\r\n"
# Text that needs an apostrophe. Numbers are harmless; text that already has apostrophes gets one more.
FORMULA = rf"^(?='*[{FIRST_CHARACTERS}])(?![+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?$)"
ESCAPED = rf"^'(?='*[{FIRST_CHARACTERS}])"


def escape_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """Put an apostrophe before text that a spreadsheet would run.

    >>> escape_formulas(pd.DataFrame({"file_path": ["=A1.wav", "a=1.wav", "-0.5"], "score": [-0.5, 1, 2]}))
      file_path  score
    0  '=A1.wav   -0.5
    1   a=1.wav    1.0
    2      -0.5    2.0
    """
    return _replace(table, FORMULA, "'")


def unescape_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """Undo :func:`escape_formulas`."""
    return _replace(table, ESCAPED, "")


def _replace(table: pd.DataFrame, pattern: str, replacement: str) -> pd.DataFrame:
    """Replace the start of each text in a table. Other values, and columns without a match, stay unchanged."""
    regex = re.compile(pattern)
    changed = {}
    for column in table.columns:
        cells = table[column]
        if pd.api.types.is_object_dtype(cells) or pd.api.types.is_string_dtype(cells):
            replaced = [regex.sub(replacement, cell, count=1) if isinstance(cell, str) else cell for cell in cells]
            if any(new is not old and new != old for new, old in zip(replaced, cells, strict=True)):
                changed[column] = pd.Series(replaced, index=cells.index, dtype=cells.dtype)
    return table.assign(**changed) if changed else table
