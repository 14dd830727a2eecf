import pytest

from hardneg.common.errors import InputError
from hardneg.planning.configured_files import refuse_missing_files


@pytest.fixture
def config(tmp_path):
    """A configuration whose files all exist."""
    names = ("manifest.csv", "network.onnx", "old.safetensors", "old.json", "frogs.tflite", "frogs_Labels.txt")
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / "audio").mkdir()
    return {
        "manifest": str(tmp_path / "manifest.csv"),
        "audio_root": str(tmp_path / "audio"),
        "features": {"kind": "onnx", "path": str(tmp_path / "network.onnx")},
        "mining": {"model": ["train", str(tmp_path / "old.safetensors"), {"model": str(tmp_path / "frogs.tflite")}]},
    }


def test_a_configuration_whose_files_exist_is_accepted(config):
    refuse_missing_files(config)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("manifest.csv", "manifest"),
        ("audio", "audio_root"),
        ("network.onnx", "features.path"),
        ("old.safetensors", "mining.model"),
        ("old.json", "mining.model (the model's description)"),
        ("frogs.tflite", "mining.model"),
        ("frogs_Labels.txt", "mining.model (the classifier's labels)"),
    ],
)
def test_each_missing_file_is_named_with_its_key(config, tmp_path, name, key):
    (tmp_path / name).rename(tmp_path / "moved")
    with pytest.raises(InputError) as refusal:
        refuse_missing_files(config)
    assert str(refusal.value).splitlines()[1:] == [f"  {key}: {tmp_path / name}"]


def test_a_missing_table_of_finished_runs_is_named(tmp_path):
    with pytest.raises(InputError, match=r"finished_runs\.table: .*runs\.csv"):
        refuse_missing_files({"finished_runs": {"table": str(tmp_path / "runs.csv")}})


def test_generated_sound_needs_no_files():
    refuse_missing_files({"generated": {}, "features": {"kind": "logmel"}, "mining": {"model": "train"}})
