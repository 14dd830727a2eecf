"""Training of one detector: a readable loop, seeded throughout."""

import math
from dataclasses import dataclass, replace
from itertools import islice
from typing import cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from hardneg.common.log import announce, track_progress
from hardneg.common.torch_device import make_deterministic, round_convolutions
from hardneg.models import networks
from hardneg.models.adamw import make_adamw
from hardneg.models.augmentation import Augmenter
from hardneg.models.batches import Batch, BatchSampler, TrainingWindows, weigh_windows
from hardneg.models.captured_step import CapturedStep
from hardneg.models.diagnosis import DivergedTrainingError, diagnose
from hardneg.models.epoch_choice import EpochChoice, balanced_log_loss
from hardneg.models.inference import collect_file_scores, compute_confidences, predict_confidences
from hardneg.models.losses import focal_loss
from hardneg.models.random_streams import Purpose, make_generator, seed_torch
from hardneg.models.ranking_curves import average_precision
from hardneg.models.training_settings import TrainingSettings
from hardneg.models.upsampling import upsample
from hardneg.models.weak_labels import find_calling, find_highest
from hardneg.models.weight_average import WeightAverage, compute_shares

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


class Trainer:
    """A detector in training: its network, the average of its weights, and what each step takes.

    Parameters
    ----------
    windows, settings, seed, device, background : see :func:`train`.

    Attributes
    ----------
    averaged : the network with averaged weights, which is the one to score with.
    sampler : draws the batches.
    steps, warm_up : optimization steps of the whole schedule, and those in which the learning rate rises.
    """

    def __init__(
        self,
        windows: TrainingWindows,
        settings: TrainingSettings,
        seed: int,
        device: str,
        background: npt.NDArray[np.float16] | None,
    ):
        self._windows, self._settings, self._device = windows, settings, device
        seed_torch(seed, Purpose.WEIGHTS)
        self._network = networks.build(
            settings.model, settings.channels, settings.hidden_units, settings.dropout, shape=windows.features.shape[1:]
        ).to(device)
        seed_torch(seed, Purpose.DROPOUT)
        self._data = DeviceWindows.from_windows(windows, settings, device)
        is_mined = self._data.is_mined
        self._network.standardize(self._data.features[~is_mined] if is_mined.any() else self._data.features)
        self._average = WeightAverage(self._network)
        self.averaged = cast(networks.Network, self._average.module)
        self.sampler = BatchSampler(windows, settings, seed)
        mixed_in = None if background is None else torch.from_numpy(background).to(device)
        self._augmenter = Augmenter(settings.augmentation, mixed_in, seed)
        self._optimizer = make_adamw(self._network.parameters(), settings.weight_decay)
        self.steps = self.sampler.steps_per_epoch * settings.epochs
        self.warm_up = max(round(settings.warmup_fraction * self.steps), 1)
        shares = (warm_up_and_decay(step, self.warm_up, self.steps) for step in range(self.steps))
        rates = [settings.learning_rate * share for share in shares]
        self._schedule = zip(rates, compute_shares(settings.ema, self.steps), strict=True)
        self._captured = CapturedStep(self._step) if device != "cpu" else None

    def train_epoch(self) -> tuple[float, float]:
        """Train for one epoch; return the mean loss and the last learning rate."""
        self._network.train()
        losses = []
        steps = self.sampler.steps_per_epoch
        batches = self.sampler.draw_epoch(self._device)
        numbers = self._augmenter.draw_epoch(steps, self._settings.batch_size, self._device)
        schedule = list(islice(self._schedule, steps))
        take_step = self._captured or self._step
        scalars = torch.tensor(schedule, device=self._device) if self._captured else schedule
        with round_convolutions():
            for batch, drawn, rate_and_share in zip(batches, numbers, scalars, strict=True):
                losses.append(take_step(batch.rows, batch.partners, batch.shares, drawn, *rate_and_share))
        last_rate, _ = schedule[-1]
        return float(torch.stack(losses).mean()), last_rate

    def _step(
        self,
        rows: torch.Tensor,
        partners: torch.Tensor,
        shares: torch.Tensor,
        drawn: torch.Tensor,
        rate: float | torch.Tensor,
        average_share: float | torch.Tensor,
    ) -> torch.Tensor:
        """Take one step with a batch, the numbers drawn for it, and its learning rate; return its loss."""
        settings = self._settings
        batch = Batch(rows, partners, shares)
        inputs, targets, weights = self._data.take(batch)
        inputs = self._augmenter.apply(inputs, drawn)
        if settings.mixup:
            inputs, targets = blend(inputs, batch), blend(targets, batch)
            weights = None if weights is None else blend(weights, batch)
        logits = self._network(inputs)
        loss = focal_loss(logits, targets, settings.focal_gamma, settings.label_smoothing, weights)
        torch.autograd.backward(loss)
        self._optimizer.step(rate)
        self._average.update(average_share)
        return loss.detach()

    def choose_highest_windows(self) -> None:
        """Let the window of each positive file that is highest now stand for the file from now on."""
        is_positive = self._windows.labels == 1
        confidences = predict_confidences(self.averaged, self._windows.features[is_positive], self._device)
        is_allowed = ~is_positive
        is_allowed[is_positive] = find_highest(self._windows.files[is_positive], confidences)
        self.sampler.restrict(is_allowed)


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
    if settings.weak_labels == "two_pass":
        one_pass = replace(settings, weak_labels="all")
        rest = (validation_windows, validation_index, one_pass, seed, device, background, name)
        is_calling = find_calling_windows(windows, train(windows.select(~windows.is_mined), *rest).network, device)
        result = train(windows.select(is_calling), *rest)
        draws = np.zeros(len(windows), np.int64)
        draws[is_calling] = result.draws
        return replace(result, draws=draws)
    trainer = Trainer(add_upsampled(windows, settings, seed), settings, seed, device, background)
    history: list[tuple[int, float, float, float, float]] = []
    choice = EpochChoice(settings)
    kept: _Epoch | None = None
    for epoch in track_progress(range(1, settings.epochs + 1), settings.epochs, "training epochs"):
        if settings.weak_labels == "max" and epoch > 1:
            trainer.choose_highest_windows()
        loss, rate = trainer.train_epoch()
        confidences = compute_confidences(trainer.averaged, validation_windows, device)
        if not (np.isfinite(loss) and np.isfinite(confidences).all()):
            raise DivergedTrainingError(name, epoch, rate)
        scores = collect_file_scores(validation_index, confidences)
        precision, validation_loss = measure_validation(scores)
        history.append((epoch, loss, rate, precision, validation_loss))
        if choice.judge(precision, validation_loss):
            weights = {key: tensor.clone() for key, tensor in trainer.averaged.state_dict().items()}
            kept = _Epoch(epoch, scores, weights, trainer.sampler.draws.copy())
        if choice.should_stop:
            break
    if kept is None:
        raise ValueError("training.epochs must be at least 1")
    trainer.averaged.load_state_dict(kept.weights)
    diagnosis = diagnose(kept.validation_scores, kept.number * trainer.sampler.steps_per_epoch, trainer.warm_up)
    if diagnosis:
        announce(f"the training of {name} failed: the detector {diagnosis}.")
    return TrainingResult(
        network=trainer.averaged.eval(),
        history=pd.DataFrame([(*row, row[0] == kept.number) for row in history], columns=HISTORY_COLUMNS),
        validation_scores=kept.validation_scores,
        kept_epoch=kept.number,
        steps=trainer.steps,
        draws=kept.draws[: len(windows)],
        diagnosis=diagnosis,
    )


def find_calling_windows(windows: TrainingWindows, network: networks.Network, device: str) -> npt.NDArray[np.bool_]:
    """Find the windows to train on in a second pass: all negatives, and of positive files those that call.

    Parameters
    ----------
    network : from the first pass.

    Returns
    -------
    Shape (windows,); see :func:`hardneg.models.weak_labels.find_calling`.
    """
    is_selected: npt.NDArray[np.bool_] = windows.labels == 0
    is_positive = ~is_selected
    confidences = predict_confidences(network, windows.features[is_positive], device)
    is_selected[is_positive] = find_calling(windows.files[is_positive], confidences)
    return is_selected


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
        files=np.append(windows.files, windows.files.max() + 1 + np.arange(added)),
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
