"""Training of one detector: a readable loop, seeded throughout."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from hardneg.common.log import track_progress
from hardneg.common.torch_device import make_deterministic
from hardneg.models import networks
from hardneg.models.adamw import make_adamw
from hardneg.models.batches import Batch, BatchSampler, TrainingWindows, weigh_windows
from hardneg.models.inference import score_files
from hardneg.models.losses import focal_loss
from hardneg.models.random_streams import Purpose, make_generator, seed_torch
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
    steps : optimization steps of the whole schedule, which early stopping may end before.
    draws : how often each window was drawn up to the best epoch, shape (windows,).
    """

    network: networks.Network
    history: pd.DataFrame
    validation_scores: pd.DataFrame
    best_epoch: int
    steps: int
    draws: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class DeviceWindows:
    """The windows to train on, as tensors on the device.

    Attributes
    ----------
    features : float16, shape (n, ...).
    targets : 1 or 0, float32, shape (n,).
    is_mined : whether a window is a mined negative, shape (n,).
    weights : factor of each window's term in the loss, shape (n,); None if every factor is 1.
    """

    features: torch.Tensor
    targets: torch.Tensor
    is_mined: torch.Tensor
    weights: torch.Tensor | None

    @classmethod
    def from_windows(cls, windows: TrainingWindows, settings: TrainingSettings, device: str) -> "DeviceWindows":
        """Copy the windows to the device, and weigh them."""
        weights = weigh_windows(windows, settings.balance, settings.mined_weight)
        return cls(
            features=torch.from_numpy(windows.features).to(device),
            targets=torch.from_numpy(windows.labels.astype(np.float32)).to(device),
            is_mined=torch.from_numpy(windows.is_mined).to(device),
            weights=None if weights is None else torch.from_numpy(weights).to(device),
        )

    def take(self, batch: Batch, blended: bool) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Take the inputs, targets and weights of a batch, blended with those of the partners if asked for."""
        inputs = self.features.index_select(0, batch.rows).float()
        targets = self.targets.index_select(0, batch.rows)
        weights = None if self.weights is None else self.weights.index_select(0, batch.rows)
        if not blended:
            return inputs, targets, weights
        return blend(inputs, batch), blend(targets, batch), None if weights is None else blend(weights, batch)


@dataclass(frozen=True, slots=True)
class _Epoch:
    number: int
    average_precision: float
    validation_scores: pd.DataFrame
    weights: dict[str, torch.Tensor]
    draws: npt.NDArray[np.int64]


def train(
    windows: TrainingWindows,
    validation_windows: npt.NDArray[np.float16],
    validation_index: pd.DataFrame,
    settings: TrainingSettings,
    seed: int,
    device: str,
) -> TrainingResult:
    """Train with AdamW, linear warm-up and cosine decay, and keep the epoch of best validation average precision.

    The inputs are standardized by the labeled windows alone, so that runs that differ in their mined windows start
    from the same network.

    Parameters
    ----------
    windows : the windows to train on.
    validation_windows : features of the windows in `validation_index` (``file_path, start_s, end_s, label``).
    settings : see :class:`hardneg.models.training_settings.TrainingSettings`.
    seed : decides initial weights, upsampling, batches, mixup and dropout; see :mod:`hardneg.models.random_streams`.
    device : a torch device.
    """
    make_deterministic()
    window_count = len(windows)
    windows = add_upsampled(windows, settings, seed)
    seed_torch(seed, Purpose.WEIGHTS)
    network = networks.build(
        settings.model, settings.channels, settings.hidden_units, settings.dropout, shape=windows.features.shape[1:]
    ).to(device)
    seed_torch(seed, Purpose.DROPOUT)
    data = DeviceWindows.from_windows(windows, settings, device)
    network.standardize(data.features[~data.is_mined] if windows.is_mined.any() else data.features)
    sampler = BatchSampler(windows, settings, seed)
    optimizer = make_adamw(network.parameters(), settings.weight_decay)
    steps = sampler.steps_per_epoch * settings.epochs
    rates = iter(_schedule_learning_rates(settings, steps))

    history: list[tuple[int, Any, float, float]] = []
    best: _Epoch | None = None
    for epoch in track_progress(range(1, settings.epochs + 1), settings.epochs, "training epochs"):
        network.train()
        losses = []
        for batch in sampler.draw_epoch(device):
            inputs, targets, weights = data.take(batch, blended=settings.mixup > 0)
            loss = focal_loss(network(inputs), targets, settings.focal_gamma, settings.label_smoothing, weights)
            torch.autograd.backward(loss)
            rate = next(rates)
            optimizer.step(rate)
            losses.append(loss.detach())
        scores = score_files(network, validation_windows, validation_index, device)
        precision = average_precision(scores.label.to_numpy(), scores.confidence.to_numpy())
        history.append((epoch, np.mean(torch.stack(losses).tolist()), rate, precision))
        if best is None or precision > best.average_precision:
            state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
            best = _Epoch(epoch, precision, scores, state, sampler.draws.copy())
        elif epoch - best.number >= settings.patience:
            break
    if best is None:
        raise ValueError("training.epochs must be at least 1")
    network.load_state_dict(best.weights)
    return TrainingResult(
        network=network.eval(),
        history=pd.DataFrame(history, columns=HISTORY_COLUMNS),
        validation_scores=best.validation_scores,
        best_epoch=best.number,
        steps=steps,
        draws=best.draws[:window_count],
    )


def add_upsampled(windows: TrainingWindows, settings: TrainingSettings, seed: int) -> TrainingWindows:
    """Add windows to the smaller class, as the settings ask for; see :func:`hardneg.models.upsampling.upsample`."""
    generator = make_generator(seed, Purpose.UPSAMPLING)
    features, labels = upsample(
        windows.features, windows.labels, settings.upsampling, settings.upsampling_ratio, generator
    )
    added = len(labels) - len(windows)
    return replace(
        windows,
        features=features,
        labels=labels,
        is_mined=np.append(windows.is_mined, np.zeros(added, bool)),
        keys=np.append(windows.keys, generator.integers(2**64, size=added, dtype=np.uint64)),
    )


def _schedule_learning_rates(settings: TrainingSettings, total: int) -> list[float]:
    """Compute the learning rate of each of `total` steps."""
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


def blend(values: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Blend each window's values with those of its partner (H. Zhang et al., "mixup", ICLR 2018).

    Parameters
    ----------
    values : features, targets or weights of the windows of a batch, float32, shape (n, ...).
    """
    shares = batch.shares.view(-1, *[1] * (values.dim() - 1))
    return torch.lerp(values.index_select(0, batch.partners), values, shares)
