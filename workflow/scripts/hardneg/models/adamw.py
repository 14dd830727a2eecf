"""The AdamW optimizer, without importing torch's compiler.

``torch.optim.AdamW`` computes the same numbers. Creating one imports torch's compiler, however, which training does not
use and which takes as long to import as torch itself. In `docs/working/dependencies.md` you find the measurement.
``HARDNEG_USE_LIBRARIES=adamw`` switches this module off.

Data layout: one tensor for each trained parameter in each list, in the order of ``network.parameters()``; ``means`` and
``squares`` have the parameter's shape, ``steps`` are scalars::

    parameters   weight (c, 2, 5, 5)   weight (c,)   bias (c,)   ...
    means        weight (c, 2, 5, 5)   weight (c,)   bias (c,)   ...      running mean of the gradient
    squares      weight (c, 2, 5, 5)   weight (c,)   bias (c,)   ...      running mean of its square
    steps        ()                    ()            ()          ...      steps so far
"""

from collections.abc import Iterable

import torch
from torch.optim.adamw import adamw

from hardneg.common.library_switch import uses_library

BETAS = (0.9, 0.999)
EPSILON = 1e-8


class AdamW:
    """AdamW (I. Loshchilov and F. Hutter, ICLR 2019) by torch's functional form, with a learning rate for each step.

    Parameters
    ----------
    parameters : the tensors to train.
    weight_decay : decoupled, in units of the learning rate.
    """

    def __init__(self, parameters: Iterable[torch.nn.Parameter], weight_decay: float):
        self.parameters: list[torch.Tensor] = list(parameters)
        self.weight_decay = weight_decay
        self.means = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.squares = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.steps = [torch.zeros((), device=parameter.device) for parameter in self.parameters]

    @torch.no_grad()
    def step(self, learning_rate: float | torch.Tensor) -> None:
        """Update the parameters by their gradients, and delete the gradients.

        Parameters
        ----------
        learning_rate : a number, or a scalar tensor on the parameters' device.
        """
        adamw(
            self.parameters,
            [parameter.grad for parameter in self.parameters],  # type: ignore[misc] # backward has set every gradient
            self.means,
            self.squares,
            [],
            self.steps,
            fused=True,
            amsgrad=False,
            beta1=BETAS[0],
            beta2=BETAS[1],
            lr=learning_rate,
            weight_decay=self.weight_decay,
            eps=EPSILON,
            maximize=False,
        )
        for parameter in self.parameters:
            parameter.grad = None


class LibraryAdamW:
    """``torch.optim.AdamW`` with the interface of :class:`AdamW`."""

    def __init__(self, parameters: Iterable[torch.nn.Parameter], weight_decay: float):
        trained = list(parameters)
        on_gpu = trained[0].is_cuda  # where steps are recorded as a CUDA graph
        self.optimizer = torch.optim.AdamW(
            trained, betas=BETAS, eps=EPSILON, weight_decay=weight_decay, fused=True, capturable=on_gpu
        )

    def step(self, learning_rate: float | torch.Tensor) -> None:
        """Update the parameters by their gradients, and delete the gradients."""
        self.optimizer.param_groups[0]["lr"] = learning_rate
        self.optimizer.step()
        self.optimizer.zero_grad()


def make_adamw(parameters: Iterable[torch.nn.Parameter], weight_decay: float) -> AdamW | LibraryAdamW:
    """Make the optimizer of this module, or torch's if the switch asks for it."""
    optimizer = LibraryAdamW if uses_library("adamw") else AdamW
    return optimizer(parameters, weight_decay)
