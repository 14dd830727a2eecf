"""Resampling by soxr, on a CPU. :mod:`hardneg.audio.device_resampling` does the same on a GPU."""

import math
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import soxr

from hardneg.audio.decoding import StoredSamples, to_float_mono

QUALITY = "HQ"  # the lower ones alias audibly and cost the same
# soxr's filter extends over about 100 periods of the lower of the two rates on either side.
FILTER_REACH = 110
Count = TypeVar("Count", int, npt.NDArray[np.int64])


def resampled_length(samples: Count, rate: int, target_rate: int) -> Count:
    """Count the samples of a recording after resampling, rounded as soxr rounds.

    >>> resampled_length(48001, rate=48000, target_rate=24000)
    24001
    """
    return (2 * samples * target_rate + rate) // (2 * rate)


def reduce_rates(rate: int, target_rate: int) -> tuple[int, int]:
    """Reduce the two rates to lowest terms.

    Returns
    -------
    up, down : ``up`` samples at `target_rate` last as long as ``down`` samples at `rate`.
    """
    divisor = math.gcd(rate, target_rate)
    return target_rate // divisor, rate // divisor


def resample(samples: npt.NDArray[np.float32], rate: int, target_rate: int) -> npt.NDArray[np.float32]:
    """Resample with soxr at its high quality: float32, shape (:func:`resampled_length` of n,)."""
    if rate == target_rate:
        return samples
    resampled: npt.NDArray[np.float32] = soxr.resample(samples, rate, target_rate, quality=QUALITY)
    return resampled


def mix_down_and_resample(stored: StoredSamples, rate: int, target_rate: int) -> npt.NDArray[np.float32]:
    """Mix a recording down to one channel and resample it.

    Parameters
    ----------
    stored : shape (n, channels), from :func:`hardneg.audio.decoding.read_samples`.

    Returns
    -------
    float32, shape (:func:`resampled_length` of n,): the mean of the channels, full scale at 1.
    """
    return resample(to_float_mono(stored), rate, target_rate)
