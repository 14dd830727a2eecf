import json

import pytest

from hardneg.common.errors import InputError
from hardneg.experiments.run_description import RunCounts, RunDescription
from hardneg.export.description import Backbone, DetectorDescription

INPUT = {"windows": {"length_s": 3.0, "hop_s": 3.0, "sample_rate": 48_000}, "features": {"kind": "logmel"}}
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
