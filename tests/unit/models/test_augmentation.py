from dataclasses import replace

import numpy as np
import pytest
import torch

from hardneg.features import logmel
from hardneg.models import augmentation
from hardneg.models.augmentation import Augmenter
from hardneg.models.training_settings import NO_AUGMENTATION

STRONG = replace(
    NO_AUGMENTATION,
    time_shift=0.5,
    frequency_shift=0.1,
    time_mask=0.3,
    frequency_mask=0.3,
    tilt_db=6,
    gain_db=10,
    background="labelled",
)


def spectra(count=1, bands=20, frames=30):
    """Quiet windows, each with one loud spot in band 8 at frame 10."""
    windows = torch.full((count, bands, frames), -60.0)
    windows[:, 8, 10] = -20
    return windows


def numbers(*first, second=0.0, third=0.0):
    return torch.tensor([[number, second, third] for number in first])


def loudest(windows):
    """Band and frame of the loudest spot of each window."""
    flat = windows.flatten(1).argmax(dim=1)
    return [divmod(int(position), windows.shape[2]) for position in flat]


def background(bands=20, frames=30):
    return torch.from_numpy(np.random.default_rng(3).normal(-50, 5, (4, bands, frames)).astype(np.float16))


def test_a_time_shift_moves_the_spot_both_ways_and_around_the_end():
    moved = augmentation.shift_time(spectra(3), numbers(0.0, 0.5, 0.9999), largest=0.5)
    assert loudest(moved) == [(8, 25), (8, 10), (8, 25)]  # 10 - 15 is 25 of 30 frames, and so is 10 + 15
    assert (moved == -20).sum() == 3


def test_a_frequency_shift_moves_the_spot_up_and_down_and_repeats_the_edge_band():
    windows = spectra(3) + torch.arange(20.0)[:, None] / 10
    moved = augmentation.shift_frequency(windows, numbers(0.0, 0.5, 0.9999), largest=0.1)
    assert loudest(moved) == [(6, 10), (8, 10), (10, 10)]
    torch.testing.assert_close(moved[2, :3], windows[2, :1].expand(3, -1))
    torch.testing.assert_close(moved[0, -3:], windows[0, -1:].expand(3, -1))


def test_masks_replace_one_block_by_the_mean_of_the_window():
    windows = spectra(1) + torch.rand(1, 20, 30, generator=torch.Generator().manual_seed(1))
    in_time = augmentation.mask_time(windows, numbers(0.9999, second=0.5), largest=0.2)
    in_frequency = augmentation.mask_frequency(windows, numbers(0.9999, second=0.9999), largest=0.2)
    (changed_frames,) = (np.flatnonzero((in_time != windows)[0].all(dim=0)),)
    assert list(changed_frames) == list(range(12, 18))
    torch.testing.assert_close(in_time[0, :, 12:18], windows.mean().expand(20, 6))
    assert torch.equal(in_time[0, :, :12], windows[0, :, :12])
    assert list(np.flatnonzero((in_frequency != windows)[0].all(dim=1))) == [16, 17, 18, 19]
    assert torch.equal(augmentation.mask_time(windows, numbers(0.0, second=0.5), largest=0.2), windows)


def test_a_tilt_raises_the_highest_band_and_lowers_the_lowest_by_the_same():
    up, down = augmentation.tilt(spectra(2), numbers(1.0, 0.0), largest_db=6) - spectra(2)
    assert up[0, 0] == pytest.approx(-6) and up[-1, 0] == pytest.approx(6)
    torch.testing.assert_close(up, -down)
    torch.testing.assert_close(up[:, 0].diff(), torch.full((19,), 12 / 19))


def test_a_gain_changes_every_band_alike_and_leaves_silence_silent():
    windows = spectra(2)
    windows[:, :, 20:] = augmentation.SILENCE_DB
    louder, quieter = augmentation.amplify(windows, numbers(1.0, 0.0), largest_db=10)
    assert (louder[:, :20] - windows[0, :, :20] == 10).all() and (quieter[:, :20] - windows[0, :, :20] == -10).all()
    assert (louder[:, 20:] == augmentation.SILENCE_DB).all()
    lowest = augmentation.amplify(torch.full((1, 4, 4), -95.0), numbers(0.0), largest_db=10)
    assert (lowest == augmentation.SILENCE_DB).all()


def test_silence_is_the_lowest_value_of_a_log_mel():
    assert 10 * np.log10(logmel.FLOOR) == augmentation.SILENCE_DB


def test_background_is_added_in_power_at_the_drawn_ratio():
    windows, noise = spectra(4), background()
    drawn = torch.tensor([[0.1, 0.6, 0.5], [0.9, 0.0, 0.0], [0.2, 0.99, 1.0], [0.8, 0.0, 0.0]])
    mixed = augmentation.mix_background(windows, drawn, noise, share=0.5, snr_db=(0, 20))
    assert torch.equal(mixed[[1, 3]], windows[[1, 3]]), "half of the windows are mixed, those with the lowest numbers"
    for window, row, snr_db in ((0, 2, 10), (2, 3, 20)):
        power, sound = 10 ** (windows[window] / 10), 10 ** (noise[row].float() / 10)
        scale = power.mean() / sound.mean() / 10 ** (snr_db / 10)
        torch.testing.assert_close(mixed[window], 10 * torch.log10(power + scale * sound))


def test_a_silent_background_and_a_silent_window_stay_finite():
    silent = torch.full((2, 20, 30), augmentation.SILENCE_DB)
    for windows, noise in ((silent, background()), (spectra(2), silent.half())):
        mixed = augmentation.mix_background(windows, numbers(0.1, 0.2), noise, share=1, snr_db=(0, 0))
        assert mixed.isfinite().all() and mixed.max() < 0


def apply_all(settings, windows, seed=1, steps=2, noise=None):
    augmenter = Augmenter(settings, noise, seed)
    drawn = list(augmenter.draw_epoch(steps, len(windows), "cpu"))
    return [augmenter.apply(windows, step) for step in drawn]


def test_without_strengths_nothing_changes():
    windows = spectra(4)
    assert all(torch.equal(windows, changed) for changed in apply_all(NO_AUGMENTATION, windows))


def test_one_seed_gives_the_same_changes_and_another_seed_step_or_window_others():
    windows = spectra(4)
    first, again, other = (apply_all(STRONG, windows, seed, noise=background()) for seed in (1, 1, 2))
    assert all(torch.equal(old, new) for old, new in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0]) and not torch.equal(first[0], first[1])
    assert not torch.equal(first[0][0], first[0][1])


def test_switching_one_transform_off_does_not_change_what_the_others_draw():
    windows = spectra(4)
    only_gain = apply_all(replace(NO_AUGMENTATION, gain_db=10), windows)
    gain_and_shift = apply_all(replace(NO_AUGMENTATION, gain_db=10, time_shift=0.5), windows)
    for plain, shifted in zip(only_gain, gain_and_shift, strict=True):
        torch.testing.assert_close(plain.amax(dim=(1, 2)), shifted.amax(dim=(1, 2)))


def test_an_epoch_continues_the_numbers_of_the_one_before():
    augmenter, at_once = Augmenter(STRONG, None, 1), Augmenter(STRONG, None, 1)
    in_two = [*augmenter.draw_epoch(2, 4, "cpu"), *augmenter.draw_epoch(3, 4, "cpu")]
    assert torch.equal(torch.stack(in_two), torch.stack(list(at_once.draw_epoch(5, 4, "cpu"))))


@pytest.mark.parametrize(("bands", "frames"), [(1, 1), (16, 1), (2, 32), (16, 31), (64, 188)])
def test_windows_of_any_shape_keep_it_and_stay_finite(bands, frames):
    windows = spectra(3, max(bands, 9), max(frames, 11))[:, :bands, :frames]
    noise = background(bands, frames)
    strongest = replace(STRONG, time_mask=0.9, frequency_mask=0.9, frequency_shift=0.5)
    for changed in apply_all(strongest, windows, steps=20, noise=noise):
        assert changed.shape == windows.shape and changed.isfinite().all()
