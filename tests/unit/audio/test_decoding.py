import numpy as np

from hardneg.audio import decoding


def test_channels_are_averaged(tmp_path, wav):
    wav("two.wav", np.stack([np.full(100, 0.5), np.full(100, -0.25)], axis=1), subtype="FLOAT")
    samples, rate = decoding.decode(tmp_path / "two.wav")
    assert rate == 16000
    np.testing.assert_allclose(samples, 0.125)
