import shutil
import subprocess
import sys

import librosa
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from paths import PACKAGE

from hardneg.audio.cpu_kernels import MelPower
from hardneg.audio.windowing import WindowSpec
from hardneg.features import extractors, store
from hardneg.features.feature_settings import LogMelSettings
from hardneg.features.logmel import LogMel
from hardneg.recordings import checks


@pytest.mark.parametrize(
    ("rate", "n_mels", "fmin", "fmax", "n_fft", "hop_s", "length_s"),
    [
        (16000, 64, 50, 8000, 512, 0.016, 3),
        (48000, 64, 0, 15000, 2048, 0.016, 3),
        (24000, 40, 300, 9000, 1024, 0.01, 3),
        (22050, 128, 0, 11025, 256, 0.0037, 0.71),  # more bands than bins: many are empty
        (8000, 1, 100, 4000, 64, 0.001, 0.0301),
        (96000, 20, 5000, 48000, 4096, 0.1, 0.01),  # the window is shorter than a frame
        (32000, 48, 50, 16000, 1000, 0.02, 1.001),
        (32000, 48, 50, 16000, 802, 0.02, 1),
    ],
)
def test_the_log_mel_matches_librosa(rate, n_mels, fmin, fmax, n_fft, hop_s, length_s):
    rng = np.random.default_rng(0)
    loudness = np.array([[1], [1e-2], [1e-4]], np.float32)
    windows = rng.standard_normal((3, round(length_s * rate))).astype(np.float32) * loudness
    ours = LogMel(rate, n_mels, fmin, fmax, n_fft, hop_s)(torch.from_numpy(windows)).numpy()
    for window, picture in zip(windows, ours, strict=True):
        power = librosa.feature.melspectrogram(
            y=window, sr=rate, n_fft=n_fft, hop_length=round(hop_s * rate), n_mels=n_mels, fmin=fmin, fmax=fmax,
            pad_mode="constant",
        )  # fmt: skip
        theirs = librosa.power_to_db(power, ref=1.0, amin=1e-10, top_db=None)
        np.testing.assert_allclose(picture, theirs, rtol=1e-4, atol=1e-3)


@given(
    n_fft=st.sampled_from([64, 128, 256, 512, 1024, 2048]),
    hop=st.integers(1, 3000),
    samples=st.integers(1, 9000),
    n_mels=st.integers(1, 80),
    low=st.floats(0, 0.9),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_compiled_kernel_and_torch_agree_on_a_cpu(n_fft, hop, samples, n_mels, low, seed):
    extractor = LogMel(8000, n_mels, 4000 * low, 4000, n_fft, hop / 8000)
    windows = torch.randn(2, samples, generator=torch.Generator().manual_seed(seed))
    power = torch.empty(2, n_mels, extractor.count_frames(samples))
    extractor._fill_by_torch(windows, power)
    torch.testing.assert_close(extractor(windows), 10 * power.clamp(min=1e-10).log10(), rtol=1e-4, atol=2e-3)


def test_a_spectrogram_does_not_depend_on_the_other_windows_of_the_batch():
    extractor, windows = LogMel(16000, 64, 50, 8000, 512, 0.01), torch.randn(3, 20011)
    together = extractor(windows)
    assert all(
        torch.equal(extractor(window[None])[0], picture) for window, picture in zip(windows, together, strict=True)
    )


def test_the_quiet_before_a_bang_stays_quiet():
    windows = torch.randn(1, 32000) * 1e-4
    bang = windows.clone()
    bang[:, 16000:] = torch.randn(16000)
    extractor = LogMel(16000, 64, 50, 8000, 512, 0.01)
    before = round((16000 - 256) / 160)  # frames that end before it
    torch.testing.assert_close(extractor(bang)[..., :before], extractor(windows)[..., :before], rtol=0, atol=0)


def test_a_missing_sample_affects_only_the_frames_that_contain_it():
    windows = torch.randn(1, 16000)
    windows[0, 8000] = torch.nan
    spectrogram = LogMel(16000, 32, 50, 8000, 512, 0.01)(windows)[0]
    invalid = spectrogram.isnan().any(dim=0).nonzero().flatten()
    assert spectrogram[:, invalid].isnan().all()
    assert invalid.min() * 160 >= 8000 - 256 and invalid.max() * 160 <= 8000 + 256


def test_a_bin_in_three_bands_is_refused():
    with pytest.raises(ValueError, match="more than two bands"):
        MelPower(np.ones(64, np.float32), 16, np.ones((33, 3), np.float32))


def test_features_are_computed_without_a_writable_cache(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "hardneg", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "hardneg/audio/__pycache__").write_text("a file: no folder can be made here")
    program = "import torch; from hardneg.features.logmel import LogMel; print(LogMel(8000, 8, 50, 4000, 64, 0.01)(torch.zeros(1, 800)).min())"
    completed = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(tmp_path), "HOME": "/proc/none", "XDG_CACHE_HOME": "/proc/none"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "-100" in completed.stdout, completed.stderr


def test_silence_has_a_finite_floor():
    silent = LogMel(16000, 64, 50, 8000, 512, 0.016)(torch.zeros(1, 48000))
    assert torch.allclose(silent, torch.tensor(-100.0))


WINDOWS = WindowSpec.from_seconds(length_s=1.0, hop_s=1.0, sample_rate=16000)
LOGMEL = LogMelSettings(n_mels=32, fmin=50, fmax=8000, n_fft=512, hop_s=0.02)


def test_extracted_features_are_read_back_by_file_and_window(tmp_path, wav, make_manifest):
    tone = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)
    wav("a.wav", np.concatenate([np.zeros(16000), 0.5 * tone, np.zeros(4000)]))
    wav("b.wav", seconds=0.6, rate=48000)
    table = make_manifest(("a.wav", "negative", "train", "s", "r", ""), ("b.wav", "negative", "train", "s", "r", ""))
    table = checks.check_recordings(table, str(tmp_path), 0.1, 1.0, workers=1)
    index = extractors.extract_features(table, str(tmp_path), tmp_path / "s.npy", WINDOWS, LOGMEL, "cpu")
    assert list(zip(index.file_path, index.start_s, strict=True)) == [
        ("a.wav", 0.0), ("a.wav", 1.0), ("a.wav", 1.25), ("b.wav", 0.0),
    ]  # fmt: skip
    windows = store.load(index.assign(array=str(tmp_path / "s.npy")).iloc[[1, 0]])
    assert windows.shape == (2, 32, 51) and windows.dtype == np.float16
    assert windows[0].max() > 0 > -60 > np.median(windows[1])


def test_windows_of_several_arrays_are_read_in_the_requested_order(tmp_path):
    parts = {}
    for number, name in enumerate("ab"):
        np.save(tmp_path / f"{name}.npy", np.full((2, 3, 4), [[[2 * number]], [[2 * number + 1]]], np.float16))
        index = store.pd.DataFrame({"file_path": name, "start_s": [0.0, 1.0], "end_s": [1.0, 2.0], "row": [0, 1]})
        index = index.assign(content=store.hash_array(tmp_path / f"{name}.npy"))
        index.to_parquet(tmp_path / f"{name}.parquet")
        parts[str(tmp_path / f"{name}.npy")] = str(tmp_path / f"{name}.parquet")
    store.merge_indexes(parts, tmp_path / "merged.parquet")
    merged = store.pd.read_parquet(tmp_path / "merged.parquet")
    assert list(store.load(merged.iloc[[3, 0, 2, 1]])[:, 0, 0]) == [3, 0, 2, 1]
