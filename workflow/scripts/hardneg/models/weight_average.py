"""The exponential moving average of a network's weights, which is what a training keeps."""

import copy
from collections.abc import Iterator
from itertools import chain

import torch
from torch import nn

# The average of the first n steps weighs a step by at least this many parts of n, so that short trainings are not
# averaged with their random start.
RAMP_STEPS = 10


class WeightAverage:
    """The average of `network` over its steps; call :meth:`update` after each.

    Buffers such as the running statistics of batch normalization are averaged too, so that they fit the weights.
    ``torch.optim.swa_utils.AveragedModel`` counts steps on the device, so that a GPU waits for the CPU at each step.

    Parameters
    ----------
    network : to average.

    Attributes
    ----------
    module : the averaged network.
    """

    def __init__(self, network: nn.Module):
        self.module = copy.deepcopy(network)
        pairs = list(zip(_list_tensors(self.module), _list_tensors(network), strict=True))
        numbers = [pair for pair in pairs if pair[0].is_floating_point()]
        counts = [pair for pair in pairs if not pair[0].is_floating_point()]  # such as that of batches
        self._averaged, self._current = ([pair[side] for pair in numbers] for side in (0, 1))
        self._old_counts, self._new_counts = ([pair[side] for pair in counts] for side in (0, 1))

    @torch.no_grad()
    def update(self, share: float | torch.Tensor) -> None:
        """Move the average toward the network by `share` of their difference; see :func:`compute_shares`.

        Parameters
        ----------
        share : in [0, 1]; a number, or a scalar tensor on the network's device.
        """
        if isinstance(share, torch.Tensor):
            differences = torch._foreach_sub(self._current, self._averaged)
            torch._foreach_mul_(differences, share)
            torch._foreach_add_(self._averaged, differences)
        else:
            torch._foreach_lerp_(self._averaged, self._current, share)
        if self._old_counts:
            torch._foreach_copy_(self._old_counts, self._new_counts)


def compute_shares(decay: float, steps: int) -> Iterator[float]:
    """Compute the share that each of `steps` steps has in the average.

    Parameters
    ----------
    decay : share of the average that a step keeps, in [0, 1). 0 makes the average equal to the network. After n
        steps, the share kept is at most ``(1 + n) / (10 + n)``; the first step keeps nothing.
    """
    return (1 - min(decay, (1 + step) / (RAMP_STEPS + step)) if step else 1.0 for step in range(steps))


def _list_tensors(network: nn.Module) -> list[torch.Tensor]:
    return list(chain(network.parameters(), network.buffers()))
