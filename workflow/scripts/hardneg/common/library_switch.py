"""A switch that replaces the package's own implementations by a library's.

A few pieces of the package do what a library also does, because the library is slower. `docs/working/dependencies.md`
states how much slower. To try a run without such a piece, name it in the environment variable `HARDNEG_USE_LIBRARIES`,
with commas in between, or `all`::

    HARDNEG_USE_LIBRARIES=dropout,log_mel snakemake --cores all

The switch is for measurements: Snakemake does not record it, so use it with a separate results folder.
"""

import os

VARIABLE = "HARDNEG_USE_LIBRARIES"
PIECES = ("adamw", "average_precision", "dropout", "log_mel")


def uses_library(piece: str) -> bool:
    """Check whether the library's version of `piece`, one of :data:`PIECES`, was asked for.

    Raises
    ------
    ValueError
        If the environment variable names no such piece.
    """
    names = set(filter(None, os.environ.get(VARIABLE, "").split(",")))
    unknown = sorted(names - {*PIECES, "all"})
    if unknown:
        raise ValueError(f"{VARIABLE} names {', '.join(unknown)}; choose from {', '.join(PIECES)} or all.")
    return bool(names & {piece, "all"})
