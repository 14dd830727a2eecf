"""Scores of windows and of files by a network."""

import copy
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from hardneg.common.errors import InputError
from hardneg.models.file_scores import score_by_highest_window


def choose_batch_size(device: str) -> int:
    """Choose how many windows a network processes at once: on a CPU no more than fit in a core's cache."""
    return 32 if device == "cpu" else 1024


def predict_confidences(network: nn.Module, windows: npt.NDArray[Any], device: str) -> npt.NDArray[np.float32]:
    """Compute the confidence of each window: the sigmoid of its logit.

    Parameters
    ----------
    network : maps ``(n, ...)`` to logits ``(n,)``.
    windows : float16 features, shape (n, ...).
    device : the torch device that `network` is on.

    Returns
    -------
    float32 in [0, 1], shape (n,).

    Raises
    ------
    InputError
        If a confidence is not a number. The message blames the network, or the features if these are not finite.
    """
    confidences = compute_confidences(network, windows, device)
    if np.isnan(confidences).any():
        raise _explain_nan(network, windows)
    return confidences


def compute_confidences(network: nn.Module, windows: npt.NDArray[Any], device: str) -> npt.NDArray[np.float32]:
    """Compute confidences like :func:`predict_confidences`, but return NaN where the network gives it."""
    network.eval()
    batches = []
    size = choose_batch_size(device)
    with torch.inference_mode():
        for start in range(0, len(windows), size):
            batch = torch.from_numpy(windows[start : start + size]).to(device)
            batches.append(torch.sigmoid(network(batch)).float().cpu())
    return torch.cat(batches).numpy() if batches else np.empty(0, np.float32)


def _explain_nan(network: nn.Module, features: npt.NDArray[Any]) -> InputError:
    """Explain why some of a network's confidences are NaN."""
    if not np.isfinite(features).all():
        return InputError(
            "features contain values that are not finite, so no confidence can be computed. The feature extractor made "
            "them: use another network in features.path, or delete the features and run again."
        )
    origin = getattr(network, "origin", "the network")
    return InputError(
        f"{origin} gives confidences that are not numbers, although the features are finite: its weights diverged or "
        "are damaged. Train it again with a smaller training.learning_rate, or use another model."
    )


def score_files(network: nn.Module, windows: npt.NDArray[Any], index: pd.DataFrame, device: str) -> pd.DataFrame:
    """Score labeled files by their highest window.

    Parameters
    ----------
    network, windows, device : see :func:`predict_confidences`.
    index : see :func:`collect_file_scores`.

    Returns
    -------
    See :func:`collect_file_scores`.
    """
    return collect_file_scores(index, predict_confidences(network, windows, device))


def collect_file_scores(index: pd.DataFrame, confidences: npt.NDArray[np.floating]) -> pd.DataFrame:
    """Collect the scores of labeled files from those of their windows.

    Parameters
    ----------
    index : one row per window: ``file_path, start_s, end_s, label``. A file's label is that of its first window.
    confidences : of these windows, shape (windows,).

    Returns
    -------
    The columns of :func:`hardneg.models.file_scores.score_by_highest_window`, and ``label``.
    """
    scores = score_by_highest_window(index.assign(confidence=confidences))
    return scores.merge(index[["file_path", "label"]].drop_duplicates("file_path"), on="file_path")


def fold_batch_norm(network: nn.Module) -> nn.Module:
    """Copy a network and fold each batch normalization into the convolution before it: same scores, less time."""
    folded = copy.deepcopy(network).eval()
    for layers in [module for module in folded.modules() if isinstance(module, nn.Sequential)]:
        for position, (layer, next_layer) in enumerate(pairwise(list(layers))):
            if isinstance(layer, nn.Conv2d) and isinstance(next_layer, nn.BatchNorm2d):
                layers[position] = fuse_conv_bn_eval(layer, next_layer)
                layers[position + 1] = nn.Identity()
    return folded
