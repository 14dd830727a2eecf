import numpy as np
import pytest
import soxr
import torch

from hardneg.audio.device_resampling import Resampler, has_fast_blocks
from hardneg.audio.resampling import resampled_length

PAIRS = [
    (48000, 24000), (48000, 32000), (48000, 16000), (24000, 48000), (8000, 24000), (96000, 24000), (384000, 24000),
    (44100, 24000), (22050, 48000), (250000, 48000), (256000, 24000), (192000, 48000), (384000, 48000), (11025, 16000),
]  # fmt: skip


def assert_agrees(ours, theirs):
    """Check that samples agree. Near both ends, soxr's stages start and stop a little late, so the tolerance is larger."""
    np.testing.assert_allclose(ours[100:-100], theirs[100:-100], atol=1e-5)
    np.testing.assert_allclose(ours, theirs, atol=0.1)


@pytest.mark.parametrize(("rate", "target"), PAIRS)
def test_the_batched_resampler_agrees_with_soxr(rate, target):
    rng = np.random.default_rng(rate + target)
    samples = rng.standard_normal((2, int(rng.integers(rate, 2 * rate)) | 1)).astype(np.float32)
    length = resampled_length(samples.shape[1], rate, target)
    ours = Resampler(rate, target)(torch.from_numpy(samples), length).numpy()
    for channel_ours, channel in zip(ours, samples, strict=True):
        theirs = soxr.resample(channel, rate, target, quality="HQ")
        assert len(channel_ours) == len(theirs)
        assert_agrees(channel_ours, theirs)


@pytest.mark.parametrize("samples", [1, 2, 101, 4799, 8192, 48001])
def test_recordings_of_any_length_are_resampled_completely(samples):
    sound = np.random.default_rng(samples).standard_normal(samples).astype(np.float32)
    for target in (16000, 24000, 32000, 44100):
        theirs = soxr.resample(sound, 48000, target, quality="HQ")
        length = resampled_length(samples, 48000, target)
        assert length == len(theirs)
        ours = Resampler(48000, target)(torch.from_numpy(sound[None]), length)[0].numpy()
        assert_agrees(ours, theirs)


def test_a_ratio_of_large_primes_has_no_fast_blocks():
    assert has_fast_blocks(44100, 48000)
    assert not has_fast_blocks(44056, 24000)
