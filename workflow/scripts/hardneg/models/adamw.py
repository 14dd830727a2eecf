"""AdamW without the compiler."""

from collections.abc import Iterable

import torch
from torch.optim.adamw import adamw


class AdamW:
    """torch's AdamW (I. Loshchilov and F. Hutter, ICLR 2019) by its functional form, with a rate for each step.

    ``torch.optim.AdamW`` computes the same, but to make one imports torch's compiler, which is not used here and takes
    as long as torch itself.

    Parameters
    ----------
    parameters : to be trained.
    weight_decay : decoupled, in units of the learning rate.
    """

    def __init__(self, parameters: Iterable[torch.nn.Parameter], weight_decay: float):
        self.parameters = list(parameters)
        self.weight_decay = weight_decay
        self.means = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.squares = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.steps = [torch.zeros((), device=parameter.device) for parameter in self.parameters]

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Move the parameters against their gradients, and forget these."""
        adamw(
            self.parameters,
            [parameter.grad for parameter in self.parameters],
            self.means,
            self.squares,
            [],
            self.steps,
            fused=True,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=learning_rate,
            weight_decay=self.weight_decay,
            eps=1e-8,
            maximize=False,
        )
        for parameter in self.parameters:
            parameter.grad = None
