import numpy as np
import pytest
import soxr

from hardneg.audio import decoding
from hardneg.audio.resampling import mix_down_and_resample, resample


@pytest.mark.parametrize(("rate", "target"), [(48000, 16000), (16000, 48000), (44100, 32000)])
def test_resampling_keeps_a_tones_pitch_and_level(rate, target):
    tone = np.sin(2 * np.pi * 1000 * np.arange(rate) / rate).astype(np.float32)
    resampled = resample(tone, rate, target)
    assert len(resampled) == target
    middle = slice(target // 4, 3 * target // 4)
    expected = np.sin(2 * np.pi * 1000 * np.arange(target) / target)
    np.testing.assert_allclose(resampled[middle], expected[middle], atol=2e-3)


@pytest.mark.parametrize(
    ("dtype", "channels", "rate"),
    [("int16", 1, 48000), ("int16", 2, 48000), ("int32", 1, 48000), ("float32", 1, 48000), ("int16", 1, 44100)],
)
def test_stored_recordings_are_scaled_mixed_down_and_resampled_by_soxr(dtype, channels, rate):
    rng = np.random.default_rng(1)
    sound = rng.uniform(-1, 1, (rate, channels))
    scale = 1 if dtype == "float32" else 2.0 ** (8 * np.dtype(dtype).itemsize - 1) - 1
    stored = (sound * scale).astype(dtype)
    theirs = soxr.resample(decoding.to_float_mono(stored), rate, 24000, quality="HQ")
    np.testing.assert_array_equal(mix_down_and_resample(stored, rate, 24000), theirs)
