import numpy as np
import pytest

from hardneg.audio import windowing


@pytest.mark.parametrize("samples", [1, 99, 100, 101, 149, 150, 250, 1000])
@pytest.mark.parametrize("hop", [30, 100])
def test_windows_cover_every_sample_and_only_a_short_recording_is_padded(samples, hop):
    sound = np.arange(1, samples + 1, dtype=np.float32)
    starts = windowing.compute_window_starts(samples, 100, hop)
    cuts = windowing.cut_windows(sound, starts, 100)
    assert set(cuts.ravel()) - {0.0} == set(sound)
    assert (0 in cuts) == (samples < 100)
    assert [cut[0] for cut in cuts] == [sound[start] for start in starts]
    assert (np.diff(starts) <= hop).all()


def test_windows_in_seconds_become_samples():
    spec = windowing.WindowSpec.from_seconds(length_s=1.5, hop_s=0.35, sample_rate=24000)
    assert (spec.rate, spec.length, spec.hop) == (24000, 36000, 8400)
