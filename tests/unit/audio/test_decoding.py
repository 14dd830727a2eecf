import numpy as np
import pytest

from hardneg.audio import decoding


def test_channels_are_averaged(tmp_path, wav):
    wav("two.wav", np.stack([np.full(100, 0.5), np.full(100, -0.25)], axis=1), subtype="FLOAT")
    samples, rate = decoding.decode(tmp_path / "two.wav")
    assert rate == 16000
    np.testing.assert_allclose(samples, 0.125)


@pytest.mark.parametrize(("rate", "target"), [(48000, 16000), (16000, 48000), (44100, 32000)])
def test_resampling_keeps_a_tones_pitch_and_level(rate, target):
    tone = np.sin(2 * np.pi * 1000 * np.arange(rate) / rate).astype(np.float32)
    resampled = decoding.resample(tone, rate, target)
    assert len(resampled) == target
    middle = slice(target // 4, 3 * target // 4)
    expected = np.sin(2 * np.pi * 1000 * np.arange(target) / target)
    np.testing.assert_allclose(resampled[middle], expected[middle], atol=2e-3)
