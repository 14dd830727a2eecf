"""What runs on a GPU computes what a CPU computes, and computes it again. Skipped on machines without a GPU."""

import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from training_defaults import TRAINING

from hardneg.audio.windowing import WindowSpec
from hardneg.features import extractors
from hardneg.features.feature_settings import LogMelSettings
from hardneg.mining import window_scoring
from hardneg.models import captured_step, networks
from hardneg.models.batches import TrainingWindows
from hardneg.models.captured_step import CapturedStep
from hardneg.models.training import train
from hardneg.models.training_settings import AugmentationSettings, TrainingSettings

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

WINDOWS = WindowSpec.from_seconds(3.0, 3.0, 24000)
LOGMEL = LogMelSettings(64, 50, 12000, 1024, 0.016)
AUGMENTATION = AugmentationSettings(
    time_shift=0.5, frequency_shift=0.05, time_mask=0.2, frequency_mask=0.2, tilt_db=3, gain_db=6,
    background="labelled", background_share=0.5, background_snr_db=(0.0, 20.0),
)  # fmt: skip


@pytest.fixture
def recordings(tmp_path):
    """Recordings of several rates, lengths, channels and formats; the last is silent."""
    rng = np.random.default_rng(1)
    rows = []
    for number, rate in enumerate([48000, 24000, 44100, 22050, 48000, 24000]):
        samples = 0.1 * rng.standard_normal((round((2 + 3.7 * number) * rate), 1 + number % 2)) * (number < 5)
        path = tmp_path / f"{number}.{'flac' if number == 1 else 'wav'}"
        soundfile.write(path, samples, rate, "PCM_16")
        rows.append((path.name, len(samples) / rate, rate))
    return pd.DataFrame(rows, columns=["file_path", "duration_s", "sample_rate"])


def extract(recordings, folder, device, processes=2):
    array = folder / f"{device}-{processes}.npy"
    return extractors.extract_features(recordings, str(folder), array, WINDOWS, LOGMEL, device, processes), array


def trained(device, augmentation=AUGMENTATION, **more):
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 2
    windows = rng.normal(-40, 5, (200, 32, 40))
    windows[labels == 1, 8:12, 10:14] += 25
    windows = windows.astype(np.float16)
    origin = np.where((np.arange(200) % 10 == 0), "mined", "labelled")
    table = pd.DataFrame({"file_path": np.arange(200).astype(str), "start_s": 0.0, "label": labels, "origin": origin})
    index = table[["file_path", "start_s", "label"]].assign(end_s=3.0)
    settings = TrainingSettings.from_config(TRAINING | {"augmentation": asdict(augmentation)} | more)
    background = windows[labels == 0] if augmentation.background != "none" else None
    return train(TrainingWindows.from_table(windows, table), windows, index, settings, 3, device, background)


def test_features_are_those_of_a_cpu_and_do_not_depend_on_the_processes(recordings, tmp_path):
    (on_cpu, cpu_array), (on_gpu, gpu_array), (_, again) = (
        extract(recordings, tmp_path, *place) for place in [("cpu", 2), ("cuda", 2), ("cuda", 4)]
    )
    pd.testing.assert_frame_equal(on_cpu.drop(columns="content"), on_gpu.drop(columns="content"))
    expected, computed = np.load(cpu_array).astype(float), np.load(gpu_array).astype(float)
    difference_db = np.abs(computed - expected)
    assert (difference_db < 0.1).mean() > 0.999, "float16 rounds by up to 0.06 dB"
    assert difference_db.max() < 2, "dB, at the edge of what the resampling filter passes"
    np.testing.assert_array_equal(np.load(again), np.load(gpu_array))


def test_scores_are_those_of_a_cpu(recordings, tmp_path):
    index, array = extract(recordings, tmp_path, "cpu")
    torch.manual_seed(1)
    network = networks.build("cnn", [16, 32], 0, 0.25, (64, 188)).eval()
    network.standardize(torch.from_numpy(np.load(array)))
    expected = window_scoring.score_windows(network, index, array, "cpu").confidence
    computed = window_scoring.score_windows(network.to("cuda"), index, array, "cuda").confidence
    np.testing.assert_allclose(computed, expected, atol=1e-4)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"weak_labels": "max"},
        {"weak_labels": "two_pass"},
        {"balance": "weights", "mined_weight": 0.5},
        {"mixup": 0},
    ],
    ids=str,
)
def test_a_training_is_repeated_to_the_bit_and_ends_where_a_cpus_does(more):
    first, second, on_cpu = trained("cuda", **more), trained("cuda", **more), trained("cpu", **more)
    for name, tensor in first.network.state_dict().items():
        assert torch.equal(tensor, second.network.state_dict()[name]), name
    pd.testing.assert_frame_equal(first.history, second.history)
    np.testing.assert_array_equal(first.draws, on_cpu.draws)
    assert first.history.validation_average_precision.iloc[-1] > 0.9
    np.testing.assert_allclose(first.history.learning_rate, on_cpu.history.learning_rate, rtol=1e-6)
    np.testing.assert_allclose(first.history.loss, on_cpu.history.loss, rtol=0.1)


def test_a_recorded_step_trains_like_steps_run_one_by_one(monkeypatch):
    recorded = trained("cuda", dropout=0.0)
    monkeypatch.setattr(captured_step, "WARM_UP_STEPS", sys.maxsize)
    one_by_one = trained("cuda", dropout=0.0)
    np.testing.assert_allclose(recorded.history.loss, one_by_one.history.loss, rtol=1e-4)


def test_a_recorded_step_uses_new_inputs_draws_anew_and_leaves_earlier_results_alone():
    total = torch.zeros((), device="cuda")

    def step(value):
        total.add_(value)
        return value + torch.rand((), device="cuda")

    run = CapturedStep(step)
    results = [run(torch.tensor(float(number), device="cuda")) for number in range(8)]
    assert total == 28
    drawn = torch.stack(results) - torch.arange(8, device="cuda")
    assert ((drawn >= 0) & (drawn < 1)).all() and len(drawn.unique()) == 8


def test_a_head_on_embeddings_trains(tmp_path: Path):
    rng = np.random.default_rng(0)
    labels = np.arange(100) % 2
    windows = (rng.normal(0, 1, (100, 64)) + 3 * labels[:, None]).astype(np.float16)
    table = pd.DataFrame(
        {"file_path": np.arange(100).astype(str), "start_s": 0.0, "label": labels, "origin": "labelled"}
    )
    index = table[["file_path", "start_s", "label"]].assign(end_s=3.0)
    settings = TrainingSettings.from_config(TRAINING | {"model": "head", "hidden_units": 16})
    result = train(TrainingWindows.from_table(windows, table), windows, index, settings, 3, "cuda")
    assert result.history.validation_average_precision.iloc[-1] > 0.9
