import logging
import os
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from hardneg.audio.windowing import WindowSpec
from hardneg.common.errors import InputError
from hardneg.export import prediction
from hardneg.recordings import discovery


class Loudness(torch.nn.Module):
    """A network whose confidence is higher for louder windows."""

    def forward(self, features):
        return features[:, 0]


@pytest.fixture
def detector():
    description = SimpleNamespace(
        windows=WindowSpec(16000, 16000, 16000), threshold=0.5, label="Rana exempli_Example Frog"
    )
    return prediction.Detector(
        Loudness(), lambda windows: 20 * windows.abs().mean(1, keepdim=True) - 1, description, "cpu"
    )


def predict(detector, tmp_path, *inputs):
    files = discovery.find_audio_files([tmp_path / name for name in inputs])
    scores = prediction.predict_recordings(detector, files, tmp_path / "out")
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "out/scores.csv"), scores, check_dtype=False)
    return scores


def test_a_bad_recording_is_named_and_left_out_and_all_others_are_scored(detector, tmp_path, wav, caplog):
    wav("in/loud.wav", 0.3 * np.ones(48000))
    wav("in/quiet.wav", seconds=3.0, samples=0.01 * np.ones(48000))
    wav("in/nan.wav", np.array([0.1, np.nan] * 8000), subtype="FLOAT")
    wav("in/none.wav", np.zeros(0))
    (tmp_path / "in/empty.wav").touch()
    (tmp_path / "in/._loud.wav").write_bytes(b"\x00\x05\x16\x07" + bytes(4096))
    with caplog.at_level(logging.WARNING):
        scores = predict(detector, tmp_path, "in")
    assert [path.split("/")[-1] for path in scores.file_path] == ["loud.wav", "quiet.wav"]
    assert scores.flagged.tolist() == [True, False]
    for reason in (
        "nan.wav is left out: non-finite",
        "none.wav is left out: zero samples",
        "empty.wav is left out: empty",
    ):
        assert reason in caplog.text
    assert "._loud" not in caplog.text


def test_if_no_recording_can_be_used_an_empty_table_of_scores_is_written(detector, tmp_path, wav):
    wav("in/none.wav", np.zeros(0))
    with pytest.raises(InputError, match="None of the recordings can be used"):
        predict(detector, tmp_path, "in")
    table = pd.read_csv(tmp_path / "out/scores.csv")
    assert table.empty and list(table.columns) == ["file_path", "confidence", "start_s", "end_s", "flagged"]


def test_two_recordings_of_one_name_have_two_tables(detector, tmp_path, wav):
    for name in ("in/a.wav", "in/a.flac", "x/b.wav", "y/b.wav", "in/c.wav"):
        wav(name)
    predict(detector, tmp_path, "in", "x", "y")
    tables = [str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.results.csv")]
    folder = "/".join(tmp_path.parts[1:])
    names = ["a.wav", "a.flac", f"{folder}/x/b.wav", f"{folder}/y/b.wav", "c"]
    assert sorted(tables) == sorted(f"{name}.BirdNET.results.csv" for name in names)


def test_a_name_that_tables_cannot_contain_is_named_and_left_out(detector, tmp_path, wav, caplog):
    wav("in/good.wav")
    (tmp_path / os.fsdecode(b"in/caf\xe9.wav")).write_bytes((tmp_path / "in/good.wav").read_bytes())
    scores = predict(detector, tmp_path, "in")
    assert len(scores) == 1
    assert r"caf\udce9.wav is left out: its name is not UTF-8; rename it" in caplog.text


def test_recordings_with_names_as_long_as_file_systems_allow_have_separate_tables(detector, tmp_path, wav):
    for end in "ab":
        wav(f"in/{'é' * 125}{end}.wav")
    assert len(predict(detector, tmp_path, "in")) == 2
    assert len(list((tmp_path / "out").glob("*.results.csv"))) == 2
