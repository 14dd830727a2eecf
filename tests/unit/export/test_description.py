import json

import pytest

from hardneg.common.errors import InputError
from hardneg.experiments.run_description import RunCounts, RunDescription
from hardneg.export.description import Backbone, DetectorDescription, hash_backbone
from hardneg.features.feature_settings import OnnxSettings

WINDOWS = {"length_s": 3.0, "hop_s": 3.0, "sample_rate": 48_000}
FEATURES = {"kind": "logmel", "n_mels": 64, "fmin": 0.0, "fmax": 15_000.0, "n_fft": 2048, "hop_s": 0.016}
INPUT = {"windows": WINDOWS, "features": FEATURES}
COUNTS = RunCounts(
    labelled_positives=3, labelled_negatives=2, reviewed_positives=0, mined_negatives=1, tier_files=1, tier_files_used=1,
    labelled_hash="a", training_hash="b", steps=8, kept_epoch=2, warning="", diagnosis="",
)  # fmt: skip
RUN = RunDescription({"negative_tier": "hard", "seed": 1}, INPUT, {"model": "cnn"}, (64, 94), COUNTS, {"torch": "2"})
DETECTOR = DetectorDescription(INPUT, (64, 94), "a frog", "Rana_Frog", 0.25, Backbone(None, "none"))


def test_a_run_is_described_as_it_was_written(tmp_path):
    (tmp_path / "model.json").write_text(json.dumps(RUN.to_json()))
    assert RunDescription.read(tmp_path / "model.json") == RUN


def test_an_exported_detector_is_described_together_with_its_run(tmp_path):
    content = DETECTOR.to_json(RUN)
    (tmp_path / "model.json").write_text(json.dumps(content))
    assert DetectorDescription.read(tmp_path / "model.json") == DETECTOR
    assert content["run"] == {"negative_tier": "hard", "seed": 1} and content["counts"]["mined_negatives"] == 1


def test_a_run_that_has_not_been_exported_is_refused_as_a_detector(tmp_path):
    (tmp_path / "model.json").write_text(json.dumps(RUN.to_json()))
    with pytest.raises(InputError, match="has no threshold"):
        DetectorDescription.read(tmp_path / "model.json")


def with_input(**changes):
    part = "windows" if set(changes) <= set(WINDOWS) - {"hop_s"} else "features"
    return {"input": INPUT | {part: INPUT[part] | changes}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (with_input(n_fft=2**31), r"features\.n_fft: 2,147,483,648 samples are above the limit of 65,536"),
        (with_input(n_mels=10**6), r"features\.n_mels: 1,000,000 bands are above the limit"),
        (with_input(hop_s=1e-9), r"features\.hop_s: 1e-09 s is less than one sample"),
        (with_input(hop_s=0.00003, n_mels=1000), r"spectrogram of one window has 100,000,000 values"),
        (with_input(length_s=1e9), r"a window has 48,000,000,000,000 samples"),
        (with_input(sample_rate=10**12), "windows: a window has 3,000,000,000,000 samples"),
        (with_input(length_s=1e-9), "at least one sample"),
        (with_input(n_fft="2048"), r"input\.features\.n_fft: '2048' is not of type 'integer'"),
        (with_input(kind="pickle"), r"input\.features"),
        (with_input(shape=3), r"input\.features"),
        ({"input": {"windows": WINDOWS}}, "input: 'features' is a required property"),
        ({"shape": 64}, "shape: 64 is not of type 'array'"),
        ({"threshold": "high"}, "threshold: 'high' is not of type 'number'"),
        ({"threshold": float("nan")}, "threshold: nan is not a number"),
        (with_input(fmax=float("inf")), "fmax: inf is not a number"),
        (with_input(length_s=float("inf")), "length_s: inf is not a number"),
        ({"label": "Rana\tFrog"}, "label: "),
        ({"backbone": None}, "backbone: None is not of type 'object'"),
        ({"target": None}, "target: None is not of type 'string'"),
    ],
)
def test_a_description_of_what_cannot_be_computed_is_refused_by_its_key(tmp_path, changes, message):
    path = tmp_path / "model.json"
    path.write_text(json.dumps(DETECTOR.to_json(RUN) | changes))
    with pytest.raises(InputError, match=message) as error:
        DetectorDescription.read(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("path", ["/dev/zero", "missing.onnx", "."])
def test_a_backbone_that_is_no_file_is_refused_before_it_is_read(path):
    with pytest.raises(InputError, match="does not exist or is no regular file"):
        hash_backbone(OnnxSettings(path))
