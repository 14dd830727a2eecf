"""Score windows with a network."""

import copy
from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


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
