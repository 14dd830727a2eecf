"""Training of one detector: a readable loop, seeded throughout."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from hardneg.common.log import announce, track_progress
from hardneg.common.torch_device import make_deterministic
from hardneg.models import networks
from hardneg.models.adamw import make_adamw
from hardneg.models.augmentation import Augmenter
from hardneg.models.batches import Batch, BatchSampler, TrainingWindows, weigh_windows
from hardneg.models.diagnosis import DivergedTrainingError, diagnose
from hardneg.models.epoch_choice import EpochChoice, balanced_log_loss
from hardneg.models.inference import collect_file_scores, compute_confidences
from hardneg.models.losses import focal_loss
from hardneg.models.random_streams import Purpose, make_generator, seed_torch
from hardneg.models.ranking_curves import average_precision
from hardneg.models.training_settings import TrainingSettings
from hardneg.models.upsampling import upsample
from hardneg.models.weight_average import average_weights

HISTORY_COLUMNS = ["epoch", "loss", "learning_rate", "validation_average_precision", "validation_loss", "kept"]


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """A trained detector and the record of its training.

    Attributes
    ----------
    network : in evaluation mode, with the averaged weights of the kept epoch.
    history : one row per epoch, with the columns :data:`HISTORY_COLUMNS`; ``kept`` marks the kept epoch.
    validation_scores : one row per file: ``file_path, confidence, start_s, end_s, label`` (1 or 0).
    kept_epoch : the epoch whose weights are kept, counted from 1.
    steps : optimization steps of the whole schedule, which early stopping may end before.
    draws : how often each window was drawn up to the kept epoch, shape (windows,).
    diagnosis : why the detector is not usable, in words; empty if nothing is wrong.
    """

    network: networks.Network
    history: pd.DataFrame
    validation_scores: pd.DataFrame
    kept_epoch: int
    steps: int
    draws: npt.NDArray[np.int64]
    diagnosis: str


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

    def take(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Take the inputs, targets and weights of a batch."""
        inputs = self.features.index_select(0, batch.rows).float()
        targets = self.targets.index_select(0, batch.rows)
        weights = None if self.weights is None else self.weights.index_select(0, batch.rows)
        return inputs, targets, weights


@dataclass(frozen=True, slots=True)
class _Epoch:
    number: int
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
    background: npt.NDArray[np.float16] | None = None,
    name: str = "this detector",
) -> TrainingResult:
    """Train with AdamW, linear warm-up and cosine decay, and average the weights of the last steps.

    The inputs are standardized by the labeled windows alone, so that runs that differ in their mined windows start
    from the same network.

    Parameters
    ----------
    windows : the windows to train on.
    validation_windows : features of the windows in `validation_index` (``file_path, start_s, end_s, label``).
    settings : see :class:`hardneg.models.training_settings.TrainingSettings`.
    seed : decides initial weights, upsampling, batches, augmentation, mixup and dropout; see
        :mod:`hardneg.models.random_streams`.
    device : a torch device.
    background : features of the windows that augmentation mixes in; None if its background is ``none``.
    name : of the detector, for messages.

    Raises
    ------
    DivergedTrainingError
        If the loss or a confidence is no longer a finite number.
    """
    if (background is None) != (settings.augmentation.background == "none"):
        raise ValueError(f"background {settings.augmentation.background!r} does not fit the windows to mix in")
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
    averaged = average_weights(network, settings.ema)
    sampler = BatchSampler(windows, settings, seed)
    mixed_in = None if background is None else torch.from_numpy(background).to(device)
    augmenter = Augmenter(settings.augmentation, mixed_in, seed)
    optimizer = make_adamw(network.parameters(), settings.weight_decay)
    steps = sampler.steps_per_epoch * settings.epochs
    warm_up = max(round(settings.warmup_fraction * steps), 1)
    rates = iter([settings.learning_rate * warm_up_and_decay(step, warm_up, steps) for step in range(steps)])

    history: list[tuple[int, Any, float, float, float]] = []
    choice = EpochChoice(settings)
    kept: _Epoch | None = None
    for epoch in track_progress(range(1, settings.epochs + 1), settings.epochs, "training epochs"):
        network.train()
        losses = []
        augmentations = augmenter.draw_epoch(sampler.steps_per_epoch, settings.batch_size, device)
        for batch, numbers in zip(sampler.draw_epoch(device), augmentations, strict=True):
            inputs, targets, weights = data.take(batch)
            inputs = augmenter.apply(inputs, numbers)
            if settings.mixup:
                inputs, targets = blend(inputs, batch), blend(targets, batch)
                weights = None if weights is None else blend(weights, batch)
            loss = focal_loss(network(inputs), targets, settings.focal_gamma, settings.label_smoothing, weights)
            torch.autograd.backward(loss)
            rate = next(rates)
            optimizer.step(rate)
            averaged.update_parameters(network)
            losses.append(loss.detach())
        mean_loss = float(torch.stack(losses).mean())
        confidences = compute_confidences(averaged.module, validation_windows, device)
        if not (np.isfinite(mean_loss) and np.isfinite(confidences).all()):
            raise DivergedTrainingError(name, epoch, rate)
        scores = collect_file_scores(validation_index, confidences)
        precision, validation_loss = measure_validation(scores)
        history.append((epoch, mean_loss, rate, precision, validation_loss))
        if choice.judge(precision, validation_loss):
            state = {key: tensor.clone() for key, tensor in averaged.module.state_dict().items()}
            kept = _Epoch(epoch, scores, state, sampler.draws.copy())
        if choice.should_stop:
            break
    if kept is None:
        raise ValueError("training.epochs must be at least 1")
    network.load_state_dict(kept.weights)
    diagnosis = diagnose(kept.validation_scores, kept.number * sampler.steps_per_epoch, warm_up)
    if diagnosis:
        announce(f"the training of {name} failed: the detector {diagnosis}.")
    return TrainingResult(
        network=network.eval(),
        history=pd.DataFrame([(*row, row[0] == kept.number) for row in history], columns=HISTORY_COLUMNS),
        validation_scores=kept.validation_scores,
        kept_epoch=kept.number,
        steps=steps,
        draws=kept.draws[:window_count],
        diagnosis=diagnosis,
    )


def measure_validation(scores: pd.DataFrame) -> tuple[float, float]:
    """Measure average precision and the balanced loss of validation scores: ``confidence, label`` (1 or 0)."""
    labels, confidences = scores.label.to_numpy(), scores.confidence.to_numpy()
    return average_precision(labels, confidences), balanced_log_loss(labels, confidences)


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
