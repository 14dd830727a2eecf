import os

import pytest

from hardneg.common.errors import InputError
from hardneg.recordings import discovery


def test_a_pipe_in_the_place_of_a_recording_is_refused_by_name(tmp_path):
    os.mkfifo(tmp_path / "a.wav")
    with pytest.raises(InputError, match=r"a\.wav is a named pipe or a device"):
        discovery.find_audio_files([tmp_path / "a.wav"])


def test_a_pipe_in_a_folder_is_no_recording(tmp_path, wav):
    os.mkfifo(tmp_path / "a.wav")
    wav("b.wav")
    assert [name.name for _, name in discovery.find_audio_files([tmp_path])] == ["b.wav"]
