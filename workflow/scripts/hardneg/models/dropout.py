"""Dropout with one random byte for each number.

torch draws a double for each number, which takes a third of the time of training a head on embeddings. In
`docs/working/dependencies.md` you find the measurement. ``HARDNEG_USE_LIBRARIES=dropout`` switches this module off.

Data layout: random 64-bit integers are drawn, and read as eight random bytes each::

    words         |      int64 0      |      int64 1      | ...
    random_bytes  | 0 1 2 3 4 5 6 7 | 8 9 10 ...          | ...      one for each number of `values`, in its order
    mask          random_bytes >= 256 * p                            1 keeps a number, 0 drops it
"""

import torch
from torch import nn

from hardneg.common.library_switch import uses_library


class Dropout(nn.Dropout):
    """Dropout that costs less time than torch's on a CPU, and is torch's own on a GPU.

    The share that is dropped is rounded to a multiple of 1/256.
    """

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Drop numbers in training, and scale the others so that the mean stays the same; any shape."""
        if not self.training or values.device.type != "cpu" or uses_library("dropout"):
            return super().forward(values)
        level = min(round(256 * self.p), 255)
        words = torch.empty(-(-values.numel() // 8), dtype=torch.int64).random_(-(2**63), None)
        random_bytes = words.view(torch.uint8)[: values.numel()].view(values.shape)
        mask = torch.empty(values.shape, dtype=values.dtype)
        torch.ge(random_bytes, level, out=mask)
        return values * mask.mul_(256 / (256 - level))
