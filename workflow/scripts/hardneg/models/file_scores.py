"""One score per recording: its highest window."""

import numpy as np
import pandas as pd

from hardneg.common.errors import InputError


def file_confidence(windows: pd.DataFrame) -> pd.DataFrame:
    """Score each file by its most confident window.

    A detector fires on windows but a recording is reviewed whole, so a file is as hard as its hardest window.
    Files whose windows all score low keep their low score: absence is not the same as no row.

    Parameters
    ----------
    windows : one row per window: ``file_path``, ``start_s``, ``end_s`` (s), ``confidence`` in [0, 1].

    Returns
    -------
    One row per file, in order of falling confidence and then of path; ties keep the earliest window.

    Raises
    ------
    InputError
        If a confidence is missing or lies outside [0, 1]; the message names the first such file.
    """
    wrong = ~windows.confidence.between(0, 1)
    if wrong.any():
        first = windows[wrong].iloc[0]
        raise InputError(f"{first.file_path}: confidence {first.confidence} at {first.start_s} s is not in [0, 1].")
    files, _ = pd.factorize(windows.file_path)
    order = np.lexsort((windows.start_s.to_numpy(), -windows.confidence.to_numpy(), files))
    hardest = order[np.flatnonzero(np.diff(files[order], prepend=-1))]
    best = windows.iloc[hardest].sort_values(["confidence", "file_path"], ascending=[False, True])
    return best[["file_path", "confidence", "start_s", "end_s"]].reset_index(drop=True)
