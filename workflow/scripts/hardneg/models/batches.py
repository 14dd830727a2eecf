"""Batches of a training run, drawn so that runs of one seed differ only in their mined windows."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from hardneg.common.hashing import hash_names
from hardneg.models.random_streams import Purpose, make_generator
from hardneg.models.training_settings import TrainingSettings

LARGEST_WORD = 2**64


@dataclass(frozen=True, slots=True)
class TrainingWindows:
    """The windows that a run trains on.

    Attributes
    ----------
    features : float16, shape (n, ...).
    labels : 1 or 0, shape (n,).
    is_mined : whether a window is a mined negative, shape (n,).
    keys : a number for each window that depends on its name alone, uint64, shape (n,). It decides the order.
    files : a number for each window that tells its file, shape (n,).
    labelled_count : number of labelled windows before any left for mined ones; it decides the length of an epoch.
    """

    features: npt.NDArray[np.float16]
    labels: npt.NDArray[np.integer]
    is_mined: npt.NDArray[np.bool_]
    keys: npt.NDArray[np.uint64]
    files: npt.NDArray[np.int64]
    labelled_count: int

    @classmethod
    def from_table(
        cls, features: npt.NDArray[np.float16], windows: pd.DataFrame, labelled_count: int | None = None
    ) -> "TrainingWindows":
        """Take the windows of a table: ``file_path, start_s, label, origin``.

        Parameters
        ----------
        labelled_count : see the class; by default, all windows that are not mined.
        """
        is_mined = (windows.origin == "mined").to_numpy()
        return cls(
            features=features,
            labels=windows.label.to_numpy(),
            is_mined=is_mined,
            keys=hash_names(name_windows(windows), "window"),
            files=pd.factorize(windows.file_path)[0],
            labelled_count=int((~is_mined).sum()) if labelled_count is None else labelled_count,
        )

    def __len__(self) -> int:
        return len(self.labels)

    def select(self, is_selected: npt.NDArray[np.bool_]) -> "TrainingWindows":
        """Select some of the windows; the length of an epoch stays the same."""
        return replace(
            self,
            features=self.features[is_selected],
            labels=self.labels[is_selected],
            is_mined=self.is_mined[is_selected],
            keys=self.keys[is_selected],
            files=self.files[is_selected],
        )


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


class ShuffledWindows:
    """Deals windows in random order, and shuffles them again when all are dealt.

    The order in a pass depends only on the seed, the number of the pass and each window's key. The labeled windows
    therefore keep their relative order, however many mined windows are among them.

    Parameters
    ----------
    rows : positions of the windows in the training set; at least one.
    keys : see :class:`TrainingWindows`; of these rows.
    seed : decides the order.
    """

    def __init__(self, rows: npt.NDArray[np.integer], keys: npt.NDArray[np.uint64], seed: int):
        self._rows, self._keys, self._seed = rows, keys, seed
        self._passes = 0
        self._remaining = rows[:0]
        self._allowed: npt.NDArray[np.bool_] | None = None

    def deal(self, count: int) -> npt.NDArray[np.integer]:
        """Deal the next `count` windows."""
        dealt = len(self._rows) if self._allowed is None else int(self._allowed[self._rows].sum())
        missing_passes = max(math.ceil((count - len(self._remaining)) / dealt), 0)
        windows = np.concatenate([self._remaining, *(self._shuffle() for _ in range(missing_passes))])
        self._remaining = windows[count:]
        return windows[:count]

    def restrict(self, is_allowed: npt.NDArray[np.bool_]) -> None:
        """Deal only some windows from now on; the others keep their order.

        Parameters
        ----------
        is_allowed : for each window of the training set, shape (windows,). At least one of the dealt windows is.
        """
        self._allowed = is_allowed
        self._remaining = self._remaining[is_allowed[self._remaining]]

    def _shuffle(self) -> npt.NDArray[np.integer]:
        generator = make_generator(self._seed, Purpose.ORDER, self._passes)
        self._passes += 1
        word = generator.integers(LARGEST_WORD, dtype=np.uint64)
        shuffled = self._rows[np.argsort(pd.util.hash_array(self._keys ^ word), kind="stable")]
        return shuffled if self._allowed is None else shuffled[self._allowed[shuffled]]


class BatchSampler:
    """Draws the batches of a run, all of the same size.

    With ``balance: batches``, half of a batch is positive. With ``mined: share``, a fixed share of its negatives is
    mined. Each of these groups is dealt by its own :class:`ShuffledWindows`.

    Parameters
    ----------
    windows : the windows to train on.
    settings : ``batch_size, balance, mined, mined_share, mixup, epoch_size``.
    seed : decides the order, and mixup's partners and shares.

    Attributes
    ----------
    steps_per_epoch : number of batches in an epoch.
    draws : how often each window has been drawn so far, shape (n,).
    """

    def __init__(self, windows: TrainingWindows, settings: TrainingSettings, seed: int):
        self._groups = [
            (ShuffledWindows(rows, windows.keys[rows], seed), size) for rows, size in _divide_batch(windows, settings)
        ]
        self._batch_size, self._alpha = settings.batch_size, settings.mixup
        self._mixup = make_generator(seed, Purpose.MIXUP)
        count = windows.labelled_count if settings.epoch_size == "labelled" else len(windows)
        self.steps_per_epoch = max(math.ceil(count / settings.batch_size), 1)
        self.draws = np.zeros(len(windows), np.int64)

    def draw_epoch(self, device: str) -> Iterator[Batch]:
        """Draw the batches of the next epoch: their windows, and the partners and shares for mixup.

        Everything is drawn and sent to the device before the first batch, so that a GPU does not wait.
        """
        steps = self.steps_per_epoch
        rows = np.concatenate([group.deal(steps * size).reshape(steps, size) for group, size in self._groups], axis=1)
        self.draws += np.bincount(rows.ravel(), minlength=len(self.draws))
        partners, shares = self._draw_blends(steps)
        tensors = [torch.from_numpy(array).to(device) for array in (rows, partners, shares)]
        return (Batch(*step) for step in zip(*tensors, strict=True))

    def restrict(self, is_allowed: npt.NDArray[np.bool_]) -> None:
        """Draw only some windows from now on; see :meth:`ShuffledWindows.restrict`."""
        for group, _ in self._groups:
            group.restrict(is_allowed)

    def _draw_blends(self, steps: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        unshuffled = np.tile(np.arange(self._batch_size), (steps, 1))
        if not self._alpha:
            return unshuffled, np.ones(unshuffled.shape, np.float32)
        shares = self._mixup.beta(self._alpha, self._alpha, unshuffled.shape).astype(np.float32)
        return self._mixup.permuted(unshuffled, axis=1), np.maximum(shares, 1 - shares)


def _divide_batch(windows: TrainingWindows, settings: TrainingSettings) -> list[tuple[npt.NDArray[np.int64], int]]:
    """Divide a batch into groups of windows: the rows of each group, and how many of them a batch has."""
    if settings.balance != "batches":
        return [(np.arange(len(windows)), settings.batch_size)]
    positives = settings.batch_size // 2
    negatives = settings.batch_size - positives
    is_positive = windows.labels == 1
    groups = [(np.flatnonzero(is_positive), positives)]
    labelled, mined = np.flatnonzero(~is_positive & ~windows.is_mined), np.flatnonzero(windows.is_mined)
    if settings.mined == "share" and len(labelled) and len(mined):
        mined_size = min(max(round(settings.mined_share * negatives), 1), negatives)
        groups += [(labelled, negatives - mined_size), (mined, mined_size)]
    else:
        groups.append((np.flatnonzero(~is_positive), negatives))
    return groups


def weigh_windows(windows: TrainingWindows, balance: str, mined_weight: float) -> npt.NDArray[np.float32] | None:
    """Compute the factor of each window's term in the loss; None if every factor is 1.

    With ``balance: weights``, the factors of each class add up to half of the number of windows.
    """
    weights = np.where(windows.is_mined, mined_weight, 1.0)
    if balance == "weights":
        for label in (0, 1):
            in_class = windows.labels == label
            weights[in_class] *= len(windows) / (2 * weights[in_class].sum())
    return None if (weights == 1).all() else weights.astype(np.float32)


def name_windows(windows: pd.DataFrame) -> list[str]:
    """Name each window by its file and its start: ``file_path@start_s``."""
    return [f"{path}@{start:g}" for path, start in zip(windows.file_path, windows.start_s, strict=True)]
