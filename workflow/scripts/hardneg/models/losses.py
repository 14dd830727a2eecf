"""The training loss."""

import torch
from torch.nn.functional import binary_cross_entropy_with_logits


def focal_loss(
    logits: torch.Tensor,
    targets: torch.Tensor,
    gamma: float = 0.0,
    smoothing: float = 0.0,
    weights: torch.Tensor | None = None,
) -> torch.Tensor:
    """Compute binary cross-entropy with label smoothing and focal weighting, averaged over the batch.

    Targets ``t`` become ``t (1 - smoothing) + smoothing / 2`` (C. Szegedy et al., "Rethinking the Inception
    architecture", CVPR 2016). With probability ``p = sigmoid(logit)``, the weight of each term is ``|t - p| ** gamma``.
    For hard targets this is the focal loss of T.-Y. Lin et al., ICCV 2017. For soft targets it is the quality focal
    loss of X. Li et al., NeurIPS 2020. ``gamma = 0`` gives plain cross-entropy.

    Parameters
    ----------
    logits, targets : shape (n,); targets in [0, 1].
    gamma : at least 0.
    smoothing : in [0, 1).
    weights : factor of each window's term, shape (n,); 1 by default. The sum is divided by n, not by their sum, so a
        weight of 0.5 halves what the window contributes.

    Returns
    -------
    A scalar tensor.
    """
    targets = targets * (1 - smoothing) + smoothing / 2
    terms = binary_cross_entropy_with_logits(logits, targets, reduction="none")
    if gamma:
        terms = terms * (targets - torch.sigmoid(logits)).abs().pow(gamma)
    return terms.mean() if weights is None else (terms * weights).mean()
