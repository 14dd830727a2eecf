"""Score windows with a network, and files by their windows."""

import copy
from itertools import pairwise

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from hardneg.errors import InputError


def batch_size(device: str) -> int:
    """Windows to give a network at once: on a CPU no more than stay in a core's cache."""
    return 32 if device == "cpu" else 1024


def window_confidences(network: nn.Module, windows: np.ndarray, device: str) -> np.ndarray:
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
    size = batch_size(device)
    with torch.inference_mode():
        for start in range(0, len(windows), size):
            batch = torch.from_numpy(windows[start : start + size]).to(device)
            scored.append(torch.sigmoid(network(batch)).float().cpu())
    return torch.cat(scored).numpy() if scored else np.empty(0, np.float32)


def folded(network: nn.Module) -> nn.Module:
    """Copy a network with each batch normalisation folded into the convolution before it: the same scores, sooner."""
    copied = copy.deepcopy(network).eval()
    for layers in [module for module in copied.modules() if isinstance(module, nn.Sequential)]:
        for place, (layer, following) in enumerate(pairwise(list(layers))):
            if isinstance(layer, nn.Conv2d) and isinstance(following, nn.BatchNorm2d):
                layers[place] = fuse_conv_bn_eval(layer, following)
                layers[place + 1] = nn.Identity()
    return copied


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
