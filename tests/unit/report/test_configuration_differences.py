import json

import pytest

from hardneg.report.configuration_differences import ConfigurationDifference, find_differences

CONFIGURATION = {
    "windows": {"length_s": 3.0},
    "features": {"kind": "onnx", "path": "new.onnx"},
    "training": {"epochs": 30, "channels": [8, 16], "dropout": 0.1},
    "matrix": {"positive_subset": ["base"], "dropout": [0.1, 0.5], "seed": [1, 2]},
}


@pytest.fixture
def write_run(tmp_path):
    """Write the description of a run; its settings are those of the configuration unless `change` replaces them."""

    def write(name, dropout, **change):
        description = {
            "run": {"positive_subset": "base", "dropout": str(dropout), "seed": 1},
            "input": {"windows": CONFIGURATION["windows"], "features": CONFIGURATION["features"]},
            "training": CONFIGURATION["training"] | {"dropout": dropout},
        }
        (tmp_path / name).write_text(json.dumps(description | change))
        return str(tmp_path / name)

    return write


def test_runs_that_were_made_with_the_configuration_do_not_differ(write_run):
    assert find_differences([write_run("a.json", 0.1), write_run("b.json", 0.5)], CONFIGURATION) == []


def test_a_setting_that_changed_after_the_runs_is_listed_with_both_values(write_run):
    features = {"kind": "onnx", "path": "old.onnx"}
    paths = [
        write_run(f"{dropout}.json", dropout, input={"windows": CONFIGURATION["windows"], "features": features})
        for dropout in (0.1, 0.5)
    ]
    assert find_differences(paths, CONFIGURATION) == [
        ConfigurationDifference("features.path", '"old.onnx"', '"new.onnx"', runs=2)
    ]


def test_a_run_that_was_left_out_was_made_with_nothing(write_run):
    assert find_differences([write_run("a.json", 0.1, input={}, left_out="the tier is empty")], CONFIGURATION) == []
