"""The networks that a run can train: features of windows in, one logit each out."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

from hardneg.models.dropout import Dropout

IN_TRAINING = "the network in training"


class Cnn(nn.Module):
    """A small convolutional network on log-mel windows.

    The network receives each window in two versions. One is standardized by the training set's mean and deviation. In
    the other, every band's own mean over time is subtracted, which removes steady noise and the recorder's frequency
    response. Strided 3 x 3 convolutions with batch normalization follow, then the mean and the maximum over time and
    frequency, dropout, an optional hidden layer, and a logit.

    Parameters
    ----------
    channels : output channels of each convolution; each halves frequency and time, the first quarters time.
    hidden_units : width of the hidden layer before the logit; 0 for none.
    dropout : share of the pooled features dropped in training.
    """

    level_db: torch.Tensor
    spread_db: torch.Tensor
    origin: str = IN_TRAINING  # for messages

    def __init__(self, channels: Sequence[int], hidden_units: int, dropout: float):
        super().__init__()
        self.register_buffer("level_db", torch.zeros(()))
        self.register_buffer("spread_db", torch.ones(()))
        layers: list[nn.Module] = []
        for position, (inputs, outputs) in enumerate(pairwise([2, *channels])):
            kernel = 5 if position == 0 else 3
            stride = (2, 4) if position == 0 else (2, 2)
            layers += [
                nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False),
                nn.BatchNorm2d(outputs),
                nn.ReLU(inplace=True),
            ]
        self.body = nn.Sequential(*layers)
        self.head = build_dense_layers(2 * channels[-1], hidden_units, dropout)

    @torch.no_grad()
    def standardize(self, windows: torch.Tensor) -> None:
        """Set the level and spread that standardize the inputs to those of `windows` (dB)."""
        self.level_db.copy_(windows.float().mean())
        self.spread_db.copy_(windows.float().std().clamp(min=1e-3))

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        """Map ``(windows, n_mels, frames)`` in dB to logits, shape ``(windows,)``."""
        standardized = (windows.float() - self.level_db) / self.spread_db
        versions = torch.stack([standardized, standardized - standardized.mean(dim=2, keepdim=True)], dim=1)
        maps = self.body(versions.contiguous(memory_format=torch.channels_last))
        pooled = torch.cat([maps.mean(dim=(2, 3)), maps.amax(dim=(2, 3))], dim=1)
        logits: torch.Tensor = self.head(pooled)
        return logits.squeeze(1)


class Head(nn.Module):
    """A linear classifier, or one with a hidden layer, on the embeddings of a pretrained network.

    Embeddings are divided by one number, their standard deviation over the training set. They are not centered.

    Parameters
    ----------
    inputs : numbers in an embedding.
    hidden_units : width of the hidden layer; 0 for none.
    dropout : share of the embedding, and of the hidden layer, dropped in training.
    """

    spread: torch.Tensor
    origin: str = IN_TRAINING  # for messages

    def __init__(self, inputs: int, hidden_units: int, dropout: float):
        super().__init__()
        self.register_buffer("spread", torch.ones(()))
        self.head = build_dense_layers(inputs, hidden_units, dropout)

    @torch.no_grad()
    def standardize(self, embeddings: torch.Tensor) -> None:
        """Set the spread that inputs are divided by to that of `embeddings`."""
        self.spread.copy_(embeddings.float().std().clamp(min=1e-6))

    def forward(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Map ``(windows, inputs)`` to logits, shape ``(windows,)``."""
        logits: torch.Tensor = self.head(embeddings.float() / self.spread)
        return logits.squeeze(1)


Network = Cnn | Head


def build_dense_layers(inputs: int, hidden_units: int, dropout: float) -> nn.Sequential:
    """Build dropout, a hidden layer unless `hidden_units` is 0, and one logit."""
    hidden = [nn.Linear(inputs, hidden_units), nn.ReLU(), Dropout(dropout)] if hidden_units else []
    return nn.Sequential(Dropout(dropout), *hidden, nn.Linear(hidden_units or inputs, 1))


def build(model: str, channels: Sequence[int], hidden_units: int, dropout: float, shape: tuple[int, ...]) -> Network:
    """Build an untrained network.

    Parameters
    ----------
    model : ``cnn`` for :class:`Cnn` or ``head`` for :class:`Head`; see them for the other parameters.
    shape : of one window's features.
    """
    if model == "cnn":
        network = Cnn(channels, hidden_units, dropout)
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # torch's types lack this form
        return network
    if model == "head":
        (inputs,) = shape
        return Head(inputs, hidden_units, dropout)
    raise ValueError(f"no network is called {model!r}")
