"""Random numbers of a training run: one stream for each purpose.

Two runs with one seed share the numbers of every stream, also if one run draws more of them for another purpose.
"""

from enum import IntEnum

import numpy as np
import torch


class Purpose(IntEnum):
    """What random numbers are drawn for. The values decide the numbers, so they must not change."""

    WEIGHTS = 1
    ORDER = 2
    MIXUP = 3
    DROPOUT = 4
    UPSAMPLING = 5
    AUGMENTATION = 6


def make_generator(seed: int, purpose: Purpose, number: int = 0) -> np.random.Generator:
    """Make the generator of one purpose. `number` counts the streams of a purpose that has several."""
    return np.random.default_rng([seed, purpose, number])


def seed_torch(seed: int, purpose: Purpose) -> None:
    """Seed torch, which draws initial weights and dropout."""
    torch.manual_seed(int(make_generator(seed, purpose).integers(2**63)))
