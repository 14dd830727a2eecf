"""The log-mel extractor: windows of samples in, spectrograms in decibels out."""

from collections.abc import Callable
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch

from hardneg.common.library_switch import uses_library
from hardneg.common.torchaudio_on_any_torch import torchaudio

FLOOR = 1e-10
# Frames to transform at once, so that they fit in a CPU core's cache: many windows are up to three times slower.
FRAMES_IN_CACHE = 256
# Bands are computed in groups, each from the bins that it covers, because most of a mel matrix is zeros.
BANDS_PER_GROUP = 16


class LogMel(torch.nn.Module):
    """Log-mel spectrogram in decibels, equal to ``librosa.power_to_db(librosa.feature.melspectrogram(...))``.

    Power spectrogram with a periodic Hann window and centered frames that are padded with zeros; Slaney's mel scale and
    area normalization (M. Slaney, Auditory Toolbox, 1998); then ``10 log10(max(S, 1e-10))`` with no upper reference.

    Parameters
    ----------
    sample_rate : Hz.
    n_mels : number of bands.
    fmin, fmax : edges of the lowest and highest band (Hz); `fmax` at most half of `sample_rate`.
    n_fft : samples in one frame. On a CPU, a power of 2 takes half of the time.
    hop_s : time from frame to frame (s), rounded to whole samples.
    """

    hann: torch.Tensor
    weights: torch.Tensor

    def __init__(self, sample_rate: int, n_mels: int, fmin: float, fmax: float, n_fft: int, hop_s: float):
        super().__init__()
        self.n_mels, self.n_fft, self.hop = n_mels, n_fft, round(hop_s * sample_rate)
        self.register_buffer("hann", torch.hann_window(n_fft))
        weights = torchaudio.functional.melscale_fbanks(
            n_fft // 2 + 1, fmin, fmax, n_mels, sample_rate, norm="slaney", mel_scale="slaney"
        )
        # The squares of a bin's real and imaginary part are adjacent and have the same weight.
        self.register_buffer("weights", weights.repeat_interleave(2, dim=0))
        self.groups = []
        for first in range(0, n_mels, BANDS_PER_GROUP):
            bands = slice(first, first + BANDS_PER_GROUP)
            bins = torch.nonzero(self.weights[:, bands].any(dim=1)).flatten().tolist() or [0]
            self.groups.append((bands, slice(bins[0], bins[-1] + 1)))

    def count_frames(self, samples: int) -> int:
        """Count the frames of a window of `samples`."""
        return (samples + 2 * (self.n_fft // 2) - self.n_fft) // self.hop + 1

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        """Map float32 ``(windows, samples)`` to float32 ``(windows, n_mels, frames)``, in dB."""
        power = windows.new_empty(len(windows), self.n_mels, self.count_frames(windows.shape[1]))
        if windows.device.type == "cpu" and self._cpu_kernel:
            self._cpu_kernel(windows.contiguous().numpy(), power.numpy())
        else:
            self._fill_by_torch(windows, power)
        return power.clamp_(min=FLOOR).log10_().mul_(10)

    @cached_property
    def _cpu_kernel(self) -> Callable[[npt.NDArray[np.float32], npt.NDArray[np.float32]], None] | None:
        """Compiled code that does the same as :meth:`_fill_by_torch` faster; None if it lacks this size of frame."""
        from hardneg.audio import cpu_kernels  # numba is slow to import, and a GPU does not need it

        if uses_library("log_mel") or not cpu_kernels.supports_frame_size(self.n_fft):
            return None
        return cpu_kernels.MelPower(self.hann.numpy(), self.hop, self.weights[::2].numpy())

    def _fill_by_torch(self, windows: torch.Tensor, power: torch.Tensor) -> None:
        """Fill `power` with mel sums by torch: on any device, for frames of any size."""
        at_once = max(FRAMES_IN_CACHE // power.shape[2], 1) if windows.device.type == "cpu" else max(len(windows), 1)
        margin = self.n_fft // 2
        for start in range(0, len(windows), at_once):
            padded = torch.nn.functional.pad(windows[start : start + at_once], (margin, margin))
            spectra = torch.fft.rfft(padded.unfold(1, self.n_fft, self.hop) * self.hann)
            squares = torch.view_as_real(spectra).square_().flatten(2).transpose(1, 2)
            for bands, bins in self.groups:
                torch.matmul(self.weights[bins, bands].T, squares[:, bins], out=power[start : start + at_once, bands])
