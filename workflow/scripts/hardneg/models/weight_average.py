"""The exponential moving average of a network's weights, which is what a training keeps."""

from collections.abc import Callable

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

# The average of the first n steps weighs a step by at least this many parts of n, so that short trainings are not
# averaged with their random start.
RAMP_STEPS = 10


def average_weights(network: nn.Module, decay: float) -> AveragedModel:
    """Make the average of `network`; call its ``update_parameters(network)`` after each step.

    Buffers such as the running statistics of batch normalization are averaged too, so that they fit the weights.

    Parameters
    ----------
    decay : share of the average that each step keeps, in [0, 1). 0 makes the average equal to the network. After n
        steps, the share is at most ``(1 + n) / (10 + n)``.

    Returns
    -------
    ``module`` is the averaged network.
    """
    return AveragedModel(network, multi_avg_fn=_make_update(decay), use_buffers=True)


def _make_update(decay: float) -> Callable[..., None]:
    @torch.no_grad()
    def update(averaged: list[torch.Tensor], current: list[torch.Tensor], steps: torch.Tensor) -> None:
        if not averaged[0].is_floating_point():  # counts, such as that of the batches of batch normalization
            torch._foreach_copy_(averaged, current)
            return
        count = int(steps)
        torch._foreach_lerp_(averaged, current, 1 - min(decay, (1 + count) / (RAMP_STEPS + count)))

    return update
