"""A convolution that on a CPU includes its activation, or the addition of its result to another tensor.

torch computes convolutions on a CPU with the library oneDNN, one call at a time. Each call converts the weights to the
library's layout, and an activation after it reads and writes the whole result again. The library can also keep the
converted weights. It can apply an activation or an addition while the result is still in registers. torch's compiler
uses operators for this that work without a compiler. :class:`FusedConvolution` calls them directly.

These operators are not part of torch's public interface. Where they are missing or do not apply, public functions
compute the same result. `docs/using/backbones.md` shows what the operators gain.
"""

import platform
from typing import Any, Literal

import torch
from torch import nn
from torch.nn import functional

Activation = Literal["none", "relu", "swish"]

LAYOUT_BATCH = 8  # images for which the layout of the weights is chosen; other numbers of images work too
HAS_OPERATORS = (
    platform.machine().lower() in {"x86_64", "amd64"}
    and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call] # torch has no type for it
    and hasattr(torch.ops.mkldnn, "_convolution_pointwise_")
    and hasattr(torch.ops.mkldnn, "_reorder_convolution_weight")
)


class FusedConvolution(nn.Conv2d):
    """A convolution, followed by an activation or by an addition.

    Weights must not change after the first call on a CPU, because their converted copy is kept.

    Parameters
    ----------
    inputs, outputs, kernel_size : as for ``torch.nn.Conv2d``.
    activation : the activation of the result. ``swish`` is also called SiLU.
    options : further arguments of ``torch.nn.Conv2d``.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel_size: int | tuple[int, int],
        activation: Activation = "none",
        **options: Any,
    ):
        super().__init__(inputs, outputs, kernel_size, **options)
        self.activation: Activation = activation
        self._converted_weight: torch.Tensor | None = None

    def forward(self, maps: torch.Tensor, add_to: torch.Tensor | None = None) -> torch.Tensor:
        """Map ``(n, inputs, height, width)`` to ``(n, outputs, height, width)``, with the sizes of the convolution.

        Parameters
        ----------
        maps : the input.
        add_to : a tensor of the output's shape that the result is added to, in place; only without an activation.
        """
        if can_fuse(maps):
            return self._forward_fused(maps, add_to)
        result = super().forward(maps)
        if self.activation == "relu":
            return functional.relu(result, inplace=True)
        if self.activation == "swish":
            return functional.silu(result, inplace=True)
        return result if add_to is None else add_to.add_(result)

    def _forward_fused(self, maps: torch.Tensor, add_to: torch.Tensor | None) -> torch.Tensor:
        operators: Any = torch.ops.mkldnn
        geometry = self.padding, self.stride, self.dilation, self.groups
        if self._converted_weight is None:
            shape = [LAYOUT_BATCH, *maps.shape[1:]]
            self._converted_weight = operators._reorder_convolution_weight(self.weight, *geometry, shape)
        layer = self._converted_weight, self.bias, *geometry
        result: torch.Tensor
        if add_to is None:
            result = operators._convolution_pointwise(maps, *layer, self.activation, [], None)
        else:
            result = operators._convolution_pointwise_.binary(add_to, maps, *layer, "add", None, None, [], None)
        return result


def can_fuse(maps: torch.Tensor) -> bool:
    """Check whether oneDNN's operators apply to an input: inference in float32 on an x86 CPU."""
    return (
        HAS_OPERATORS
        and maps.device.type == "cpu"
        and maps.dtype == torch.float32
        and not torch.is_grad_enabled()
        and not torch.is_autocast_enabled("cpu")
    )
