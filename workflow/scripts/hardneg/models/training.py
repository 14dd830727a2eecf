"""Train one detector: a readable loop, seeded throughout."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import nn

from hardneg.common.log import track_progress
from hardneg.common.torch_device import seed_everything
from hardneg.models import metrics, networks
from hardneg.models.adamw import AdamW
from hardneg.models.file_scores import file_confidence
from hardneg.models.inference import window_confidences
from hardneg.models.losses import focal_loss
from hardneg.models.training_settings import TrainingSettings
from hardneg.models.upsampling import upsample


@dataclass(frozen=True)
class Trained:
    """A detector and how it came about.

    Attributes
    ----------
    network : with the weights of its best epoch.
    history : one row per epoch: ``epoch, loss, learning_rate, validation_average_precision``.
    validation_scores : file-level: ``file_path, confidence, start_s, end_s, label`` (1 or 0).
    best_epoch : counted from 1.
    """

    network: nn.Module
    history: pd.DataFrame
    validation_scores: pd.DataFrame
    best_epoch: int


def train(
    windows: np.ndarray,
    labels: np.ndarray,
    validation_windows: np.ndarray,
    validation_index: pd.DataFrame,
    settings: TrainingSettings,
    seed: int,
    device: str,
) -> Trained:
    """Train with AdamW, linear warm-up and cosine decay, and keep the epoch of best validation average precision.

    Parameters
    ----------
    windows : float16 features, shape (n, ...); `labels` 1 or 0, shape (n,).
    validation_windows : features of the windows listed in `validation_index`
        (``file_path, start_s, end_s, label``).
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
    network.standardise(features)
    batches = max(math.ceil(len(windows) / settings.batch_size), 1)
    optimiser = AdamW(network.parameters(), settings.weight_decay)
    total = batches * settings.epochs
    warm_up = max(round(settings.warmup_fraction * total), 1)
    rates = iter([settings.learning_rate * learning_rate_factor(step, warm_up, total) for step in range(total)])

    history, best, best_scores, best_weights = [], -1.0, None, None
    for epoch in track_progress(range(1, settings.epochs + 1), settings.epochs, "training epochs"):
        network.train()
        losses = []
        for chosen, partner, share in draw_batches(len(windows), batches, settings.mixup, generator, device):
            mixed, goal = features.index_select(0, chosen).float(), targets.index_select(0, chosen)
            if settings.mixup:
                mixed, goal = mix_up(mixed, goal, partner, share)
            loss = focal_loss(network(mixed), goal, settings.focal_gamma, settings.label_smoothing)
            loss.backward()
            rate = next(rates)
            optimiser.step(rate)
            losses.append(loss.detach())
        scores = score_files(network, validation_windows, validation_index, device)
        precision = metrics.average_precision(scores.label.to_numpy(), scores.confidence.to_numpy())
        history.append((epoch, np.mean(torch.stack(losses).tolist()), rate, precision))
        if precision > best:
            best, best_scores, best_epoch = precision, scores, epoch
            best_weights = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        elif epoch - best_epoch >= settings.patience:
            break
    network.load_state_dict(best_weights)
    columns = ["epoch", "loss", "learning_rate", "validation_average_precision"]
    return Trained(network.eval(), pd.DataFrame(history, columns=columns), best_scores, best_epoch)


def score_files(network: nn.Module, windows: np.ndarray, index: pd.DataFrame, device: str) -> pd.DataFrame:
    """Score files by their highest window, keeping each file's ``label``; see :func:`file_confidence`."""
    scored = file_confidence(index.assign(confidence=window_confidences(network, windows, device)))
    return scored.merge(index[["file_path", "label"]].drop_duplicates("file_path"), on="file_path")


def learning_rate_factor(step: int, warm_up: int, total: int) -> float:
    """Rise linearly from 1 / `warm_up` to 1, then fall as half a cosine to 0 at `total` (I. Loshchilov, ICLR 2017)."""
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1 + math.cos(math.pi * min((step - warm_up) / max(total - warm_up, 1), 1)))


def draw_batches(
    count: int, batches: int, alpha: float, generator: np.random.Generator, device: str
) -> Iterator[tuple[torch.Tensor, ...]]:
    """Draw an epoch: which windows are in each batch, and for :func:`mix_up` each one's partner and share.

    All of it is drawn and sent to the device before the first batch, so that a GPU waits for none of them.

    Parameters
    ----------
    count : windows to deal out to so many `batches`.
    alpha : of the Beta(alpha, alpha) that shares are drawn from; with 0 each window is its own partner.

    Returns
    -------
    For each batch its rows, the partner of each as a place in the batch, and the share of each, all of shape (n,).
    """
    rows = np.array_split(generator.permutation(count), batches)
    sizes = [len(batch) for batch in rows]
    if alpha:
        drawn = [(generator.beta(alpha, alpha, size=size), generator.permutation(size)) for size in sizes]
    else:
        drawn = [(np.ones(size), np.arange(size)) for size in sizes]
    shares, partners = (np.concatenate(part) for part in zip(*drawn, strict=True))
    shares = np.float32(shares)
    sent = [np.concatenate(rows), partners, np.maximum(shares, 1 - shares)]
    return zip(*(torch.from_numpy(part).to(device).split(sizes) for part in sent), strict=True)


def mix_up(
    windows: torch.Tensor, targets: torch.Tensor, partner: torch.Tensor, share: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Blend each window and its target with those of another of the batch (H. Zhang et al., "mixup", ICLR 2018).

    Parameters
    ----------
    windows, targets : float32, shapes (n, ...) and (n,).
    partner : the place in the batch of the other of each, shape (n,).
    share : that each has of its own blend, shape (n,).
    """
    wide = share.view(-1, *[1] * (windows.dim() - 1))
    blended = torch.lerp(windows.index_select(0, partner), windows, wide)
    return blended, torch.lerp(targets.index_select(0, partner), targets, share)
