"""Resample as soxr does: one recording on a CPU, or by FFT many at once on any device."""

import math
from functools import cache

import numpy as np
import soxr
import torch

from hardneg.audio import decoding

QUALITY = "HQ"
# soxr's filter reaches about 100 periods of the lower of the two rates to either side.
REACH = 110
SHORTEST_BLOCK = 8192
LARGEST_PRIME = 13


def resampled_length(samples, rate: int, target_rate: int):
    """Samples that a recording of `samples` (an int or an array of them) has at `target_rate`, as soxr rounds."""
    return (2 * samples * target_rate + rate) // (2 * rate)


def ratio(rate: int, target_rate: int) -> tuple[int, int]:
    """Samples out and in, ``(up, down)``, in lowest terms: ``up`` samples at `target_rate` last as long as ``down``."""
    shared = math.gcd(rate, target_rate)
    return target_rate // shared, rate // shared


def has_fast_blocks(rate: int, target_rate: int) -> bool:
    """Whether blocks of both rates can be cut for which the FFT is fast: no factor of the ratio is a large prime."""
    return all(_largest_prime(term) <= LARGEST_PRIME for term in ratio(rate, target_rate))


def to_working_rate(stored: np.ndarray, rate: int, target_rate: int) -> np.ndarray:
    """Resample what was read of a recording, as :func:`hardneg.audio.decoding.resample` does.

    Most recordings are of 16 bit, of one channel, and at 48 kHz, and most detectors want half of that: this is computed
    in four fifths of soxr's time, with the same answer to 1e-6 of full scale.

    Parameters
    ----------
    stored : shape (n, channels), as :func:`hardneg.audio.decoding.read_samples` gives it.

    Returns
    -------
    float32, shape (:func:`resampled_length` of n,): the mean of the channels, full scale at 1.
    """
    if rate == 2 * target_rate and stored.dtype == np.int16 and stored.shape[1] == 1:
        return _halving()(stored[:, 0], resampled_length(len(stored), rate, target_rate))
    return decoding.resample(decoding.to_float_mono(stored), rate, target_rate)


@cache
def _halving():
    from hardneg.audio import cpu_kernels  # numba takes its time to import, and a GPU has no use for it

    return cpu_kernels.Halving(2 * REACH, _response(2, 1, block=2048, margin=2 * REACH))


class Resampler(torch.nn.Module):
    """soxr's high-quality filter, applied by overlap-save.

    soxr resamples by a fixed linear-phase filter, so its answer to unit impulses tells that filter whole. Here its
    transform multiplies that of each block of the input, and the inverse transform has the new rate (R. E. Crochiere
    and L. R. Rabiner, Multirate Digital Signal Processing, 1983, chapter 7). The filter stops what lies above the
    lower rate's Nyquist frequency, so nothing need be folded.

    Parameters
    ----------
    rate, target_rate : Hz; :func:`has_fast_blocks` must hold of them.
    """

    def __init__(self, rate: int, target_rate: int):
        super().__init__()
        self.up, self.down = ratio(rate, target_rate)
        reach = math.ceil(REACH * max(rate / target_rate, 1) / self.down)
        self.margin = reach * self.down
        wanted = max(16 * self.margin, SHORTEST_BLOCK) / self.down
        self.block = self.down * 2 ** math.ceil(math.log2(wanted))
        self.step = self.block - 2 * self.margin
        self.register_buffer("response", torch.from_numpy(_response(rate, target_rate, self.block, self.margin)))

    def forward(self, samples: torch.Tensor, length: int) -> torch.Tensor:
        """Resample recordings that are whole.

        Parameters
        ----------
        samples : float32, shape (recordings, n).
        length : samples of the result.

        Returns
        -------
        float32, shape (recordings, length).
        """
        padded = torch.nn.functional.pad(samples, (self.margin, self.padding(samples.shape[1], length)))
        return self.between_margins(padded, length)

    def padding(self, samples: int, length: int) -> int:
        """Zeros that :meth:`between_margins` needs after `samples` to give `length` samples."""
        return self.input_length(length) - self.margin - samples

    def input_length(self, length: int) -> int:
        """Samples, margins included, that :meth:`between_margins` needs to give `length` samples."""
        blocks = max(-(-length * self.down // (self.up * self.step)), 1)
        return self.step * blocks + 2 * self.margin

    def between_margins(self, samples: torch.Tensor, length: int) -> torch.Tensor:
        """Resample a stretch that has :attr:`margin` samples of its recording, or zeros, before and after it.

        Parameters
        ----------
        samples : float32, shape (recordings, :meth:`input_length` of `length`).

        Returns
        -------
        float32, shape (recordings, length); the first sample falls on the input's sample ``margin``.
        """
        blocks = samples.unfold(1, self.block, self.step)
        spectra = torch.fft.rfft(blocks)[..., : self.response.shape[0]]
        heard = torch.fft.irfft(spectra.mul_(self.response), n=self.block * self.up // self.down)
        skipped = self.margin * self.up // self.down
        return heard[..., skipped : heard.shape[-1] - skipped].flatten(1)[:, :length]


@cache
def _response(rate: int, target_rate: int, block: int, margin: int) -> np.ndarray:
    """Transform of soxr's filter at the frequencies of a block that both rates have, scaled for the inverse."""
    up, down = ratio(rate, target_rate)
    bins = min(block, block * up // down) // 2 + 1
    taps = np.zeros(block * up)
    for place in range(down):
        impulse = np.zeros(2 * margin + down, np.float32)
        impulse[margin + place] = 1
        answer = soxr.resample(impulse, rate, target_rate, quality=QUALITY)
        lag = np.arange(len(answer)) * down - (margin + place) * up
        near = np.abs(lag) <= margin * up
        taps[lag[near] % len(taps)] = answer[near]
    return (np.fft.rfft(taps)[:bins].real / down).astype(np.float32)


def _largest_prime(number: int) -> int:
    largest, factor = 1, 2
    while number > 1:
        while number % factor == 0:
            number, largest = number // factor, factor
        factor += 1
    return largest
