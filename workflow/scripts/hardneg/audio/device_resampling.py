"""Resampling on a GPU, by the filter of soxr.

soxr has no GPU version. Features must be the same on both devices, so the GPU applies the filter that soxr uses: the
log-mel features differ by less than 0.001 dB. With torchaudio's best resampler they differ by up to 3 dB in the highest
bands, because its filter has another edge.
"""

import math
from functools import cache

import numpy as np
import numpy.typing as npt
import soxr
import torch

from hardneg.audio.resampling import FILTER_REACH, QUALITY, reduce_rates

SHORTEST_BLOCK = 8192
LARGEST_PRIME = 13


def has_fast_blocks(rate: int, target_rate: int) -> bool:
    """Check whether both rates have block lengths for which the FFT is fast: no large prime divides the ratio."""
    return all(_largest_prime(term) <= LARGEST_PRIME for term in reduce_rates(rate, target_rate))


class Resampler(torch.nn.Module):
    """soxr's high-quality filter, applied by overlap-save.

    soxr resamples with a fixed linear-phase filter. Its response to unit impulses therefore defines that filter
    completely. Here the filter's transform multiplies the transform of each block of the input, and the inverse
    transform is taken at the new rate (R. E. Crochiere and L. R. Rabiner, Multirate Digital Signal Processing, 1983,
    chapter 7). The filter removes everything above the lower rate's Nyquist frequency, so no frequency folds back.

    Parameters
    ----------
    rate, target_rate : Hz; :func:`has_fast_blocks` must hold for them.
    """

    response: torch.Tensor

    def __init__(self, rate: int, target_rate: int):
        super().__init__()
        self.up, self.down = reduce_rates(rate, target_rate)
        reach = math.ceil(FILTER_REACH * max(rate / target_rate, 1) / self.down)
        self.margin = reach * self.down
        smallest_block = max(16 * self.margin, SHORTEST_BLOCK) / self.down
        self.block: int = self.down * 2 ** math.ceil(math.log2(smallest_block))
        self.step: int = self.block - 2 * self.margin
        self.register_buffer("response", torch.from_numpy(_response(rate, target_rate, self.block, self.margin)))

    def forward(self, samples: torch.Tensor, length: int) -> torch.Tensor:
        """Resample whole recordings.

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
        """Count the zeros that :meth:`between_margins` needs after `samples` to return `length` samples."""
        return self.input_length(length) - self.margin - samples

    def input_length(self, length: int) -> int:
        """Count the samples, margins included, that :meth:`between_margins` needs to return `length` samples."""
        blocks = max(-(-length * self.down // (self.up * self.step)), 1)
        return self.step * blocks + 2 * self.margin

    def between_margins(self, samples: torch.Tensor, length: int) -> torch.Tensor:
        """Resample part of a recording, given with :attr:`margin` further samples, or zeros, before and after it.

        Parameters
        ----------
        samples : float32, shape (recordings, :meth:`input_length` of `length`).

        Returns
        -------
        float32, shape (recordings, length). The first sample is the input's sample number ``margin``.
        """
        blocks = samples.unfold(1, self.block, self.step)
        spectra = torch.fft.rfft(blocks)[..., : self.response.shape[0]]
        filtered: torch.Tensor = torch.fft.irfft(spectra.mul_(self.response), n=self.block * self.up // self.down)
        margin = self.margin * self.up // self.down
        return filtered[..., margin : filtered.shape[-1] - margin].flatten(1)[:, :length]


@cache
def _response(rate: int, target_rate: int, block: int, margin: int) -> npt.NDArray[np.float32]:
    """Transform soxr's filter at the frequencies of a block that both rates have, scaled for the inverse transform."""
    up, down = reduce_rates(rate, target_rate)
    bins = min(block, block * up // down) // 2 + 1
    taps = np.zeros(block * up)
    for offset in range(down):
        impulse = np.zeros(2 * margin + down, np.float32)
        impulse[margin + offset] = 1
        output = soxr.resample(impulse, rate, target_rate, quality=QUALITY)
        lag = np.arange(len(output)) * down - (margin + offset) * up
        within_reach = np.abs(lag) <= margin * up
        taps[lag[within_reach] % len(taps)] = output[within_reach]
    return np.asarray(np.fft.rfft(taps)[:bins].real / down, np.float32)


def _largest_prime(number: int) -> int:
    largest, factor = 1, 2
    while number > 1:
        while number % factor == 0:
            number, largest = number // factor, factor
        factor += 1
    return largest
