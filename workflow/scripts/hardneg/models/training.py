"""Training of one detector: a readable loop, seeded throughout."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from hardneg.common.log import track_progress
from hardneg.common.torch_device import seed_everything
from hardneg.models import networks
from hardneg.models.adamw import make_adamw
from hardneg.models.inference import score_files
from hardneg.models.losses import focal_loss
from hardneg.models.ranking_curves import average_precision
from hardneg.models.training_settings import TrainingSettings
from hardneg.models.upsampling import upsample

HISTORY_COLUMNS = ["epoch", "loss", "learning_rate", "validation_average_precision"]


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """A trained detector and the record of its training.

    Attributes
    ----------
    network : in evaluation mode, with the weights of its best epoch.
    history : one row per epoch, with the columns :data:`HISTORY_COLUMNS`.
    validation_scores : one row per file: ``file_path, confidence, start_s, end_s, label`` (1 or 0).
    best_epoch : counted from 1.
    """

    network: networks.Network
    history: pd.DataFrame
    validation_scores: pd.DataFrame
    best_epoch: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows of one step, each with the window that mixup blends it with. All tensors have the shape (n,).

    Attributes
    ----------
    rows : positions of the windows in the training set.
    partners : positions in this batch of the windows to blend with.
    shares : share of each window in its own blend, in [0.5, 1].
    """

    rows: torch.Tensor
    partners: torch.Tensor
    shares: torch.Tensor


@dataclass(frozen=True, slots=True)
class _Epoch:
    number: int
    average_precision: float
    validation_scores: pd.DataFrame
    weights: dict[str, torch.Tensor]


def train(
    windows: npt.NDArray[np.float16],
    labels: npt.NDArray[np.integer],
    validation_windows: npt.NDArray[np.float16],
    validation_index: pd.DataFrame,
    settings: TrainingSettings,
    seed: int,
    device: str,
) -> TrainingResult:
    """Train with AdamW, linear warm-up and cosine decay, and keep the epoch of best validation average precision.

    Parameters
    ----------
    windows : float16 features, shape (n, ...).
    labels : 1 or 0, shape (n,).
    validation_windows : features of the windows in `validation_index` (``file_path, start_s, end_s, label``).
    settings : see :class:`hardneg.models.training_settings.TrainingSettings`.
    seed : decides initial weights, upsampling, batches, mixup and dropout.
    device : a torch device.
    """
    generator = seed_everything(seed)
    windows, labels = upsample(windows, labels, settings.upsampling, settings.upsampling_ratio, generator)
    network = networks.build(
        settings.model, settings.channels, settings.hidden_units, settings.dropout, shape=windows.shape[1:]
    ).to(device)
    features = torch.from_numpy(windows).to(device)
    targets = torch.from_numpy(labels.astype(np.float32)).to(device)
    network.standardize(features)
    batch_count = max(math.ceil(len(windows) / settings.batch_size), 1)
    optimizer = make_adamw(network.parameters(), settings.weight_decay)
    rates = iter(_schedule_learning_rates(settings, batch_count))

    history: list[tuple[int, Any, float, float]] = []
    best: _Epoch | None = None
    for epoch in track_progress(range(1, settings.epochs + 1), settings.epochs, "training epochs"):
        network.train()
        losses = []
        for batch in draw_batches(len(windows), batch_count, settings.mixup, generator, device):
            inputs, goals = features.index_select(0, batch.rows).float(), targets.index_select(0, batch.rows)
            if settings.mixup:
                inputs, goals = mix_up(inputs, goals, batch.partners, batch.shares)
            loss = focal_loss(network(inputs), goals, settings.focal_gamma, settings.label_smoothing)
            torch.autograd.backward(loss)
            rate = next(rates)
            optimizer.step(rate)
            losses.append(loss.detach())
        scores = score_files(network, validation_windows, validation_index, device)
        precision = average_precision(scores.label.to_numpy(), scores.confidence.to_numpy())
        history.append((epoch, np.mean(torch.stack(losses).tolist()), rate, precision))
        if best is None or precision > best.average_precision:
            weights = {name: tensor.clone() for name, tensor in network.state_dict().items()}
            best = _Epoch(epoch, precision, scores, weights)
        elif epoch - best.number >= settings.patience:
            break
    if best is None:
        raise ValueError("training.epochs must be at least 1")
    network.load_state_dict(best.weights)
    table = pd.DataFrame(history, columns=HISTORY_COLUMNS)
    return TrainingResult(network.eval(), table, best.validation_scores, best.number)


def _schedule_learning_rates(settings: TrainingSettings, batch_count: int) -> list[float]:
    """Compute the learning rate of every step."""
    total = batch_count * settings.epochs
    warm_up = max(round(settings.warmup_fraction * total), 1)
    return [settings.learning_rate * warm_up_and_decay(step, warm_up, total) for step in range(total)]


def warm_up_and_decay(step: int, warm_up: int, total: int) -> float:
    """Compute the share of the highest learning rate to use at `step` of `total`.

    The share rises linearly from 1 / `warm_up` to 1. Then it falls as half a cosine to 0 at `total` (I. Loshchilov,
    ICLR 2017).
    """
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1 + math.cos(math.pi * min((step - warm_up) / max(total - warm_up, 1), 1)))


def draw_batches(
    count: int, batch_count: int, alpha: float, generator: np.random.Generator, device: str
) -> Iterator[Batch]:
    """Draw the batches of one epoch: their windows, and the partners and shares for :func:`mix_up`.

    Everything is drawn and sent to the device before the first batch, so that a GPU does not wait.

    Parameters
    ----------
    count : windows to distribute over `batch_count` batches.
    alpha : of the Beta(alpha, alpha) distribution of shares. With 0, each window is its own partner.
    """
    rows = np.array_split(generator.permutation(count), batch_count)
    sizes = [len(part) for part in rows]
    if alpha:
        draws = [(generator.beta(alpha, alpha, size=size), generator.permutation(size)) for size in sizes]
    else:
        draws = [(np.ones(size), np.arange(size)) for size in sizes]
    shares = np.concatenate([share for share, _ in draws]).astype(np.float32)
    partners = np.concatenate([partner for _, partner in draws])
    parts = (
        torch.split(torch.from_numpy(array).to(device), sizes)
        for array in (np.concatenate(rows), partners, np.maximum(shares, 1 - shares))
    )
    return (Batch(*tensors) for tensors in zip(*parts, strict=True))


def mix_up(
    windows: torch.Tensor, targets: torch.Tensor, partners: torch.Tensor, shares: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Blend each window and its target with another of the batch (H. Zhang et al., "mixup", ICLR 2018).

    Parameters
    ----------
    windows, targets : float32, shapes (n, ...) and (n,).
    partners, shares : see :class:`Batch`.
    """
    broadcastable = shares.view(-1, *[1] * (windows.dim() - 1))
    blended = torch.lerp(windows.index_select(0, partners), windows, broadcastable)
    return blended, torch.lerp(targets.index_select(0, partners), targets, shares)
