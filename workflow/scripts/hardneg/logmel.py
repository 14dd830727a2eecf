"""The log-mel front end: windows of samples in, pictures of their spectra out."""

import torch

from hardneg.torchaudio_on_any_torch import torchaudio

FLOOR = 1e-10


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
        self.mel = torchaudio.transforms.MelSpectrogram(
            sample_rate=sample_rate,
            n_fft=n_fft,
            hop_length=round(hop_s * sample_rate),
            f_min=fmin,
            f_max=fmax,
            n_mels=n_mels,
            norm="slaney",
            mel_scale="slaney",
            pad_mode="constant",
        )

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        """Map float32 ``(windows, samples)`` to float32 ``(windows, n_mels, frames)``, in dB."""
        return 10 * torch.log10(torch.clamp(self.mel(windows), min=FLOOR))
