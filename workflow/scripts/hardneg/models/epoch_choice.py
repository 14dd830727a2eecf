"""Which epoch of a training is kept, and when a training stops early."""

from collections.abc import Sequence
from statistics import mean

import numpy as np
import numpy.typing as npt

from hardneg.models.training_settings import TrainingSettings

SMOOTHED_EPOCHS = 3
# Confidences closer to 0 or 1 count as this far away, so that one wrong file does not make a loss infinite.
CLOSEST = 1e-6


class EpochChoice:
    """Judges the epochs of a training one after the other.

    Average precision is smoothed: it is the mean of the last three epochs. With few validation files, its highest
    value is otherwise that of a lucky epoch.

    Parameters
    ----------
    settings : ``keep_epoch, epoch_measure, patience, min_epochs``.

    Attributes
    ----------
    best : the best epoch so far, counted from 1. Of several equally good ones, it is the last.
    """

    def __init__(self, settings: TrainingSettings):
        self._settings = settings
        self._measures: list[float] = []
        self._highest = -np.inf
        self.best = 0

    def judge(self, average_precision: float, loss: float) -> bool:
        """Judge the next epoch by its validation scores, and return whether it is the one to keep so far."""
        by_loss = self._settings.epoch_measure == "loss"
        self._measures.append(-loss if by_loss else average_precision)
        measure = self._measures[-1] if by_loss else mean(self._measures[-SMOOTHED_EPOCHS:])
        if measure >= self._highest:
            self._highest, self.best = measure, len(self._measures)
        return self._settings.keep_epoch == "last" or self.best == len(self._measures)

    @property
    def should_stop(self) -> bool:
        """Whether early stopping is on and has waited long enough for a better epoch."""
        epochs, patience = len(self._measures), self._settings.patience
        return 0 < patience <= epochs - self.best and epochs >= self._settings.min_epochs


def balanced_log_loss(labels: Sequence[int] | npt.NDArray[np.integer], confidences: npt.NDArray[np.floating]) -> float:
    """Compute the mean cross-entropy of both classes, each averaged over its files, so that both count alike.

    Parameters
    ----------
    labels : 1 or 0, shape (n,); both classes present.
    confidences : in [0, 1], shape (n,).
    """
    is_positive = np.asarray(labels) == 1
    right = np.where(is_positive, confidences, 1 - np.asarray(confidences, np.float64))
    losses = -np.log(np.maximum(right, CLOSEST))
    return float((losses[is_positive].mean() + losses[~is_positive].mean()) / 2)
