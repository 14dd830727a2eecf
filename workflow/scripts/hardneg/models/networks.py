"""The networks that a run can train: features of windows in, one logit each out."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn


class Cnn(nn.Module):
    """A small convolutional network on log-mel windows.

    The network sees each window twice: as it is, standardised by the training set's mean and deviation, and with
    every band's own mean over time taken away, which removes steady noise and the recorder's frequency response.
    Strided 3 x 3 convolutions with batch normalisation follow, then the mean and the maximum over time and
    frequency, dropout, an optional hidden layer, and a logit.

    Parameters
    ----------
    channels : output channels of each convolution; each halves frequency and time, the first quarters time.
    hidden_units : width of the hidden layer before the logit; 0 for none.
    dropout : share of the pooled features dropped in training.
    """

    def __init__(self, channels: Sequence[int], hidden_units: int, dropout: float):
        super().__init__()
        self.register_buffer("level_db", torch.zeros(()))
        self.register_buffer("spread_db", torch.ones(()))
        sizes = [2, *channels]
        layers = []
        for position, (inputs, outputs) in enumerate(pairwise(sizes)):
            kernel, stride = (5, (2, 4)) if position == 0 else (3, 2)
            layers += [
                nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False),
                nn.BatchNorm2d(outputs),
                nn.ReLU(inplace=True),
            ]
        self.body = nn.Sequential(*layers)
        self.head = dense(2 * channels[-1], hidden_units, dropout)

    @torch.no_grad()
    def standardise(self, windows: torch.Tensor) -> None:
        """Set the level and spread that inputs are standardised by to those of `windows` (dB)."""
        self.level_db.copy_(windows.float().mean())
        self.spread_db.copy_(windows.float().std().clamp(min=1e-3))

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        """Map ``(windows, n_mels, frames)`` in dB to logits, shape ``(windows,)``."""
        plain = (windows.float() - self.level_db) / self.spread_db
        views = torch.stack([plain, plain - plain.mean(dim=2, keepdim=True)], dim=1)
        maps = self.body(views.contiguous(memory_format=torch.channels_last))
        return self.head(torch.cat([maps.mean(dim=(2, 3)), maps.amax(dim=(2, 3))], dim=1)).squeeze(1)


class Head(nn.Module):
    """A linear classifier, or one with a hidden layer, on the embeddings of a pretrained network.

    Embeddings are divided by one number, their deviation over the training set, and taken as they are otherwise.

    Parameters
    ----------
    inputs : numbers in an embedding.
    hidden_units : width of the hidden layer; 0 for none.
    dropout : share of the embedding, and of the hidden layer, dropped in training.
    """

    def __init__(self, inputs: int, hidden_units: int, dropout: float):
        super().__init__()
        self.register_buffer("spread", torch.ones(()))
        self.head = dense(inputs, hidden_units, dropout)

    @torch.no_grad()
    def standardise(self, embeddings: torch.Tensor) -> None:
        """Set the spread that inputs are divided by to that of `embeddings`."""
        self.spread.copy_(embeddings.float().std().clamp(min=1e-6))

    def forward(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Map ``(windows, inputs)`` to logits, shape ``(windows,)``."""
        return self.head(embeddings.float() / self.spread).squeeze(1)


class Dropout(nn.Dropout):
    """torch's dropout; on a CPU by one random byte for each number, with the share rounded to a 256th.

    torch draws a double for each, which takes a quarter of the time of training a head.
    """

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Drop, in training; any shape."""
        if not self.training or values.device.type != "cpu":
            return super().forward(values)
        level = min(round(256 * self.p), 255)
        drawn = torch.empty(-(-values.numel() // 8), dtype=torch.int64).random_(-(2**63), None).view(torch.uint8)
        kept = torch.empty(values.shape, dtype=values.dtype)
        torch.ge(drawn[: values.numel()].view(values.shape), level, out=kept)
        return values * kept.mul_(256 / (256 - level))


def dense(inputs: int, hidden_units: int, dropout: float) -> nn.Sequential:
    """Dropout, a hidden layer unless `hidden_units` is 0, and one logit."""
    hidden = [nn.Linear(inputs, hidden_units), nn.ReLU(), Dropout(dropout)] if hidden_units else []
    return nn.Sequential(Dropout(dropout), *hidden, nn.Linear(hidden_units or inputs, 1))


def build(model: str, channels: Sequence[int], hidden_units: int, dropout: float, shape: tuple[int, ...]) -> nn.Module:
    """Make the network named `model` for features of a `shape`; see its class for the other parameters."""
    builders = {
        "cnn": lambda: Cnn(channels, hidden_units, dropout).to(memory_format=torch.channels_last),
        "head": lambda: Head(*shape, hidden_units, dropout),
    }
    return builders[model]()
