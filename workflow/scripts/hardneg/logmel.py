"""The log-mel front end: windows of samples in, pictures of their spectra out."""

import torch

from hardneg.torchaudio_on_any_torch import torchaudio

FLOOR = 1e-10
# Spectra are to stay in a CPU core's cache: many windows at once are up to three times slower than one.
FRAMES_IN_CACHE = 256
# Bands are weighted in groups, each over the bins that it spans, since a mel matrix is nearly all zeros.
BANDS_AT_ONCE = 16


class LogMel(torch.nn.Module):
    """Log-mel spectrogram in decibels, as ``librosa.power_to_db(librosa.feature.melspectrogram(...))`` gives it.

    Power spectrogram with a periodic Hann window, centred frames padded with zeros, Slaney's mel scale and area
    normalisation (M. Slaney, Auditory Toolbox, 1998), then ``10 log10(max(S, 1e-10))`` with no upper reference.

    Parameters
    ----------
    sample_rate : Hz.
    n_mels : bands.
    fmin, fmax : edges of the lowest and highest band (Hz); `fmax` at most half of `sample_rate`.
    n_fft : samples in one frame.
    hop_s : time from frame to frame (s), rounded to whole samples.
    """

    def __init__(self, sample_rate: int, n_mels: int, fmin: float, fmax: float, n_fft: int, hop_s: float):
        super().__init__()
        self.n_mels, self.n_fft, self.hop = n_mels, n_fft, round(hop_s * sample_rate)
        self.register_buffer("hann", torch.hann_window(n_fft))
        weights = torchaudio.functional.melscale_fbanks(
            n_fft // 2 + 1, fmin, fmax, n_mels, sample_rate, norm="slaney", mel_scale="slaney"
        )
        # The squares of a bin's real and imaginary part lie side by side and are weighted alike.
        weights = weights.repeat_interleave(2, dim=0)
        self.spans = []
        for band in range(0, n_mels, BANDS_AT_ONCE):
            group = weights[:, band : band + BANDS_AT_ONCE]
            used = torch.nonzero(group.any(dim=1)).flatten()
            low, high = (int(used[0]), int(used[-1]) + 1) if len(used) else (0, 1)
            self.spans.append((band, low, high))
            self.register_buffer(f"weights_{band}", group[low:high].contiguous())

    def frames(self, samples: int) -> int:
        """Frames of a window of `samples`."""
        return (samples + 2 * (self.n_fft // 2) - self.n_fft) // self.hop + 1

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        """Map float32 ``(windows, samples)`` to float32 ``(windows, n_mels, frames)``, in dB."""
        frames = self.frames(windows.shape[1])
        mel = windows.new_empty(len(windows), frames, self.n_mels)
        at_once = max(FRAMES_IN_CACHE // frames, 1) if windows.device.type == "cpu" else max(len(windows), 1)
        margin = self.n_fft // 2
        padded = windows.new_zeros(min(at_once, len(windows)), windows.shape[1] + 2 * margin)
        for start in range(0, len(windows), at_once):
            part = windows[start : start + at_once]
            padded[: len(part), margin : margin + part.shape[1]] = part
            self._weigh(padded[: len(part)], mel[start : start + at_once].view(-1, self.n_mels))
        return mel.clamp_(min=FLOOR).log10_().mul_(10).transpose(1, 2)

    def _weigh(self, padded: torch.Tensor, mel: torch.Tensor) -> None:
        spectra = torch.fft.rfft(padded.unfold(1, self.n_fft, self.hop) * self.hann)
        squares = torch.view_as_real(spectra).square_().view(len(mel), -1)
        for band, low, high in self.spans:
            weights = getattr(self, f"weights_{band}")
            torch.mm(squares[:, low:high], weights, out=mel[:, band : band + BANDS_AT_ONCE])
