import librosa
import numpy as np
import pytest
import torch

from hardneg import backbones, features, recordings
from hardneg.logmel import LogMel


@pytest.mark.parametrize(
    ("rate", "n_mels", "fmin", "fmax", "n_fft", "hop_s"),
    [(16000, 64, 50, 8000, 512, 0.016), (48000, 64, 0, 15000, 2048, 0.016), (24000, 40, 300, 9000, 1024, 0.01)],
)
def test_the_log_mel_is_librosas(rate, n_mels, fmin, fmax, n_fft, hop_s):
    rng = np.random.default_rng(0)
    windows = rng.standard_normal((3, 3 * rate)).astype(np.float32) * np.array([[1], [1e-2], [1e-4]], np.float32)
    ours = LogMel(rate, n_mels, fmin, fmax, n_fft, hop_s)(torch.from_numpy(windows)).numpy()
    for window, picture in zip(windows, ours, strict=True):
        power = librosa.feature.melspectrogram(
            y=window, sr=rate, n_fft=n_fft, hop_length=round(hop_s * rate), n_mels=n_mels, fmin=fmin, fmax=fmax,
            pad_mode="constant",
        )  # fmt: skip
        theirs = librosa.power_to_db(power, ref=1.0, amin=1e-10, top_db=None)
        np.testing.assert_allclose(picture, theirs, rtol=1e-4, atol=1e-3)


def test_silence_has_a_finite_floor():
    silent = LogMel(16000, 64, 50, 8000, 512, 0.016)(torch.zeros(1, 48000))
    assert torch.allclose(silent, torch.tensor(-100.0))


WINDOWS = {"length_s": 1.0, "hop_s": 1.0, "sample_rate": 16000}
LOGMEL = {"kind": "logmel", "n_mels": 32, "fmin": 50, "fmax": 8000, "n_fft": 512, "hop_s": 0.02}


def test_extracted_features_are_read_back_by_file_and_window(tmp_path, wav, listed):
    tone = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)
    wav("a.wav", np.concatenate([np.zeros(16000), 0.5 * tone, np.zeros(4000)]))
    wav("b.wav", seconds=0.6, rate=48000)
    table = listed(("a.wav", "negative", "train", "s", "r", ""), ("b.wav", "negative", "train", "s", "r", ""))
    table = recordings.check(table, str(tmp_path), 0.1, 1.0, workers=1)
    index = backbones.extract(table, str(tmp_path), tmp_path / "s.npy", WINDOWS, LOGMEL, "cpu")
    assert list(zip(index.file_path, index.start_s, strict=True)) == [
        ("a.wav", 0.0), ("a.wav", 1.0), ("a.wav", 1.25), ("b.wav", 0.0),
    ]  # fmt: skip
    windows = features.load(index.assign(array=str(tmp_path / "s.npy")).iloc[[1, 0]])
    assert windows.shape == (2, 32, 51) and windows.dtype == np.float16
    assert windows[0].max() > 0 > -60 > np.median(windows[1])


def test_windows_of_several_arrays_come_in_the_order_asked_for(tmp_path):
    parts = {}
    for place, name in enumerate("ab"):
        np.save(tmp_path / f"{name}.npy", np.full((2, 3, 4), [[[2 * place]], [[2 * place + 1]]], np.float16))
        index = features.pd.DataFrame({"file_path": name, "start_s": [0.0, 1.0], "end_s": [1.0, 2.0], "row": [0, 1]})
        index.to_parquet(tmp_path / f"{name}.parquet")
        parts[str(tmp_path / f"{name}.npy")] = str(tmp_path / f"{name}.parquet")
    features.merge_indexes(parts, tmp_path / "merged.parquet")
    merged = features.pd.read_parquet(tmp_path / "merged.parquet")
    assert list(features.load(merged.iloc[[3, 0, 2, 1]])[:, 0, 0]) == [3, 0, 2, 1]
