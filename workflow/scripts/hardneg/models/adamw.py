"""The AdamW optimizer, without importing torch's compiler."""

from collections.abc import Iterable

import torch
from torch.optim.adamw import adamw


class AdamW:
    """torch's AdamW (I. Loshchilov and F. Hutter, ICLR 2019) by its functional form, with a learning rate per step.

    ``torch.optim.AdamW`` computes the same numbers. Creating one imports torch's compiler, however, which training does
    not use and which takes as long to import as torch itself.

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
    def step(self, learning_rate: float) -> None:
        """Update the parameters by their gradients, and delete the gradients."""
        adamw(
            self.parameters,
            [parameter.grad for parameter in self.parameters],  # type: ignore[misc] # backward has set every gradient
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
