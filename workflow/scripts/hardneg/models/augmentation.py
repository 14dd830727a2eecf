"""Augmentation of spectrograms in training: random changes that do not change the label.

Each transform maps a batch of log-mel windows (dB, float32, shape ``(n, bands, frames)``) and random numbers to a new
batch. The numbers are uniform in [0, 1), shape ``(n, 3)``, and each transform uses as many of the three as it needs. A
strength is always the largest change.

:class:`Augmenter` draws the numbers. Each transform has its own stream, so that switching one off does not change what
the others draw. The windows in the same place of the same batch get the same numbers in all runs of one seed, whatever
tier they train on.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import torch

from hardneg.models.random_streams import Purpose, make_generator
from hardneg.models.training_settings import AugmentationSettings

NUMBERS_PER_WINDOW = 3
# The log-mel of digital silence and of padding (dB). No gain raises it.
SILENCE_DB = -100.0
# 10 log10(x) is this many times ln(x).
DECIBELS_PER_LOG = 10 / float(np.log(10))

Transform = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class Augmenter:
    """Draws and applies the transforms of a training.

    Parameters
    ----------
    settings : the strengths; a transform with strength 0 is left out.
    background : the windows to mix in, float16, shape (windows, bands, frames); None for none.
    seed : decides all numbers.
    """

    def __init__(self, settings: AugmentationSettings, background: torch.Tensor | None, seed: int):
        transforms = [entry for entry in _list_transforms(settings, background) if entry[1]]
        self._generators = [make_generator(seed, Purpose.AUGMENTATION, stream) for stream, _, _ in transforms]
        self._transforms = [transform for _, _, transform in transforms]

    def draw_epoch(self, steps: int, batch_size: int, device: str) -> Iterator[torch.Tensor]:
        """Draw the numbers of an epoch, and yield those of each step: shape (transforms, batch_size, 3)."""
        shape = (steps, batch_size, NUMBERS_PER_WINDOW)
        numbers = [generator.random(shape, dtype=np.float32) for generator in self._generators]
        drawn = np.stack(numbers, axis=1) if numbers else np.empty((steps, 0, *shape[1:]), np.float32)
        return iter(torch.from_numpy(drawn).to(device))

    def apply(self, spectra: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
        """Apply all transforms to a batch, with the numbers of its step."""
        for transform, own in zip(self._transforms, numbers, strict=True):
            spectra = transform(spectra, own)
        return spectra


def _list_transforms(
    settings: AugmentationSettings, background: torch.Tensor | None
) -> list[tuple[int, float, Transform]]:
    """List every transform in the order in which they apply: the number of its stream, its strength, its function.

    Moves come first. Background is mixed in before levels change, because a recorder changes both alike. Masks come
    last, so that nothing fills them.
    """
    transforms: list[tuple[int, float, Transform]] = [
        (0, settings.time_shift, partial(shift_time, largest=settings.time_shift)),
        (1, settings.frequency_shift, partial(shift_frequency, largest=settings.frequency_shift)),
    ]
    if background is not None:
        share, limits = settings.background_share, settings.background_snr_db
        transforms.append((2, share, partial(mix_background, background=background, share=share, snr_db=limits)))
    return [
        *transforms,
        (3, settings.tilt_db, partial(tilt, largest_db=settings.tilt_db)),
        (4, settings.gain_db, partial(amplify, largest_db=settings.gain_db)),
        (5, settings.time_mask, partial(mask_time, largest=settings.time_mask)),
        (6, settings.frequency_mask, partial(mask_frequency, largest=settings.frequency_mask)),
    ]


def shift_time(spectra: torch.Tensor, numbers: torch.Tensor, largest: float) -> torch.Tensor:
    """Move each window by up to `largest`, a share of its frames, in either direction. What leaves it re-enters."""
    frames = spectra.shape[2]
    shifts = _draw_shifts(numbers[:, 0], largest, frames)
    sources = (torch.arange(frames, device=spectra.device) - shifts[:, None]) % frames
    return spectra.gather(2, sources[:, None, :].expand_as(spectra))


def shift_frequency(spectra: torch.Tensor, numbers: torch.Tensor, largest: float) -> torch.Tensor:
    """Move each window by up to `largest`, a share of its bands, up or down. The edge band fills what is left open."""
    count, bands, frames = spectra.shape
    shifts = _draw_shifts(numbers[:, 0], largest, bands)
    sources = (torch.arange(bands, device=spectra.device) - shifts[:, None]).clamp(0, bands - 1)
    rows = sources + bands * torch.arange(count, device=spectra.device)[:, None]
    return spectra.reshape(count * bands, frames).index_select(0, rows.flatten()).view(count, bands, frames)


def mix_background(
    spectra: torch.Tensor,
    numbers: torch.Tensor,
    background: torch.Tensor,
    share: float,
    snr_db: Sequence[float],
) -> torch.Tensor:
    """Add the power of a background window to a share of the windows.

    Powers of independent sounds add. The background is scaled so that the ratio of the mean powers of both windows is
    drawn uniformly, in dB, between the two limits.

    Parameters
    ----------
    background : the windows to draw from, dB, shape (windows, bands, frames).
    share : share of the windows of a batch, rounded, at least one.
    snr_db : lowest and highest ratio of the power of a window to that of its background (dB).
    """
    mixed = numbers[:, 0].argsort()[: max(round(share * len(spectra)), 1)]
    rows = (numbers[mixed, 1] * len(background)).long().clamp(max=len(background) - 1)
    low, high = snr_db
    ratio = _to_power(low + (high - low) * numbers[mixed, 2])
    power, added = _to_power(spectra[mixed]), _to_power(background.index_select(0, rows).float())
    scale = power.mean(dim=(1, 2)) / (ratio * added.mean(dim=(1, 2)))
    summed = power + added * scale[:, None, None]
    return spectra.index_copy(0, mixed, summed.log() * DECIBELS_PER_LOG)


def tilt(spectra: torch.Tensor, numbers: torch.Tensor, largest_db: float) -> torch.Tensor:
    """Raise the highest band by up to `largest_db` and lower the lowest by as much, or the reverse; linear between."""
    slope = torch.linspace(-1, 1, spectra.shape[1], device=spectra.device)
    return _raise_levels(spectra, _draw_levels(numbers, largest_db) * slope[:, None])


def amplify(spectra: torch.Tensor, numbers: torch.Tensor, largest_db: float) -> torch.Tensor:
    """Make each window louder or quieter by up to `largest_db`."""
    return _raise_levels(spectra, _draw_levels(numbers, largest_db))


def mask_time(spectra: torch.Tensor, numbers: torch.Tensor, largest: float) -> torch.Tensor:
    """Replace a block of up to `largest`, a share of the frames, by the window's mean (SpecAugment).

    SpecAugment is by D. Park et al., Interspeech 2019. torchaudio has it too, but draws from torch's global stream,
    which dropout also uses.
    """
    return _fill_with_mean(spectra, _draw_block(numbers, largest, spectra.shape[2])[:, None, :])


def mask_frequency(spectra: torch.Tensor, numbers: torch.Tensor, largest: float) -> torch.Tensor:
    """Replace a block of up to `largest`, a share of the bands, by the window's mean; see :func:`mask_time`."""
    return _fill_with_mean(spectra, _draw_block(numbers, largest, spectra.shape[1])[:, :, None])


def _draw_shifts(numbers: torch.Tensor, largest: float, size: int) -> torch.Tensor:
    limit = round(largest * size)
    return (numbers * (2 * limit + 1)).long().clamp(max=2 * limit) - limit


def _draw_levels(numbers: torch.Tensor, largest_db: float) -> torch.Tensor:
    return (largest_db * (2 * numbers[:, 0] - 1))[:, None, None]


def _draw_block(numbers: torch.Tensor, largest: float, size: int) -> torch.Tensor:
    """Draw the length and then the place of a block; whether each position is in it, shape (n, size)."""
    lengths = (numbers[:, 0] * (round(largest * size) + 1)).long()
    starts = (numbers[:, 1] * (size - lengths + 1)).long()
    positions = torch.arange(size, device=numbers.device)
    return (positions >= starts[:, None]) & (positions < (starts + lengths)[:, None])


def _fill_with_mean(spectra: torch.Tensor, is_masked: torch.Tensor) -> torch.Tensor:
    return torch.where(is_masked, spectra.mean(dim=(1, 2), keepdim=True), spectra)


def _raise_levels(spectra: torch.Tensor, levels_db: torch.Tensor) -> torch.Tensor:
    return torch.where(spectra > SILENCE_DB, (spectra + levels_db).clamp(min=SILENCE_DB), spectra)


def _to_power(decibels: torch.Tensor) -> torch.Tensor:
    return (decibels / DECIBELS_PER_LOG).exp()
