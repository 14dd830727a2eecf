"""One score per recording: that of its highest window."""

import numpy as np
import pandas as pd

from hardneg.common.errors import InputError


def score_by_highest_window(windows: pd.DataFrame) -> pd.DataFrame:
    """Score each file by its most confident window.

    A detector processes windows, but a person reviews whole recordings. A file is therefore as hard as its hardest
    window. Every file keeps a row, even if all its windows score low.

    Parameters
    ----------
    windows : one row per window: ``file_path``, ``start_s``, ``end_s`` (s), ``confidence`` in [0, 1].

    Returns
    -------
    One row per file: ``file_path, confidence, start_s, end_s``. Rows are sorted by falling confidence, then by path.
    Of several windows with the highest score, the earliest counts.

    Raises
    ------
    InputError
        If a confidence is missing or lies outside [0, 1]. The message names the first such file.

    Examples
    --------
    >>> windows = pd.DataFrame({"file_path": ["a.wav", "a.wav", "b.wav"], "start_s": [0, 3, 0], "end_s": [3, 6, 3]})
    >>> windows["confidence"] = [0.2, 0.9, 0.4]
    >>> score_by_highest_window(windows)
      file_path  confidence  start_s  end_s
    0     a.wav         0.9        3      6
    1     b.wav         0.4        0      3
    """
    invalid = ~windows.confidence.between(0, 1)
    if invalid.any():
        first = windows[invalid].iloc[0]
        raise InputError(f"{first.file_path}: confidence {first.confidence} at {first.start_s} s is not in [0, 1].")
    files, _ = pd.factorize(windows.file_path)
    order = np.lexsort((windows.start_s.to_numpy(), -windows.confidence.to_numpy(), files))
    highest = order[np.flatnonzero(np.diff(files[order], prepend=-1))]
    scores = windows.iloc[highest].sort_values(["confidence", "file_path"], ascending=[False, True])
    return scores[["file_path", "confidence", "start_s", "end_s"]].reset_index(drop=True)
