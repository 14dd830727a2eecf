from dataclasses import fields
from pathlib import Path

import yaml

from hardneg.features.feature_settings import KINDS, LogMelSettings, OnnxSettings, parse_features

SCHEMA = Path(__file__).parents[3] / "workflow" / "schemas" / "config.schema.yaml"


def test_the_kinds_and_their_settings_are_those_of_the_configuration():
    features = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))["properties"]["features"]["properties"]
    assert list(KINDS) == features["kind"]["enum"]
    assert {"kind"}.union(*({field.name for field in fields(kind)} for kind in KINDS.values())) == set(features)


def test_features_become_the_settings_of_their_kind():
    logmel = {"n_mels": 64, "fmin": 0, "fmax": 15000, "n_fft": 2048, "hop_s": 0.016}
    assert parse_features({"kind": "logmel"} | logmel) == LogMelSettings(**logmel)
    assert parse_features({"kind": "onnx", "path": "m.onnx", "peak": 0.25}) == OnnxSettings("m.onnx", None, 0.25)
