"""Score windows with a network, and files by their windows."""

import numpy as np
import pandas as pd
import torch
from torch import nn

from hardneg.errors import InputError


def window_confidences(network: nn.Module, windows: np.ndarray, device: str, batch_size: int = 256) -> np.ndarray:
    """Sigmoid of the logit of each window.

    Parameters
    ----------
    network : maps ``(n, ...)`` to logits ``(n,)``.
    windows : float16 features, shape (n, ...).

    Returns
    -------
    float32 in [0, 1], shape (n,).
    """
    network.eval()
    scored = []
    with torch.inference_mode():
        for start in range(0, len(windows), batch_size):
            batch = torch.from_numpy(windows[start : start + batch_size]).to(device)
            scored.append(torch.sigmoid(network(batch)).float().cpu())
    return torch.cat(scored).numpy() if scored else np.empty(0, np.float32)


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
    ranked = windows.sort_values(["confidence", "file_path", "start_s"], ascending=[False, True, True])
    best = ranked.drop_duplicates("file_path")
    return best[["file_path", "confidence", "start_s", "end_s"]].reset_index(drop=True)
