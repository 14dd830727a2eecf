import os
import subprocess
import sys
import time

import pytest
from paths import SCRIPTS

from hardneg.common import files
from hardneg.common.errors import InputError
from hardneg.common.files import atomic_write, write_text

WRITER = """
import sys
from hardneg.common import files

files.start_job()
with files.atomic_write(sys.argv[1]) as draft:
    draft.write_text(sys.argv[2])
    print("writing", flush=True)
    sys.stdin.readline()
"""


def start_writer(path, text):
    """Start a process that writes `text` to `path` and waits; it ends when it gets a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, path, text],
        env=os.environ | {"PYTHONPATH": str(SCRIPTS)}, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout.readline() == "writing\n"
    return process


def list_names(folder):
    return [path.name for path in folder.iterdir()]


def test_two_processes_that_write_one_file_share_no_draft_and_the_later_one_wins(tmp_path):
    path = tmp_path / "features.npy"
    orphan = start_writer(path, "old settings")
    successor = start_writer(path, "new settings")
    _, message = orphan.communicate("\n")
    assert orphan.returncode != 0 and "another process writes this file too" in message
    assert not path.exists()
    successor.communicate("\n")
    assert successor.returncode == 0 and path.read_text() == "new settings"
    assert list_names(tmp_path) == ["features.npy"]


def test_a_job_does_not_replace_what_another_process_wrote_since_it_began(tmp_path):
    path = tmp_path / "table.csv"
    writer = start_writer(path, "of the orphan")
    time.sleep(0.02)  # longer than a tick of the file system's clock
    path.write_text("of the successor")
    _, message = writer.communicate("\n")
    assert writer.returncode != 0 and "another process writes this file too" in message
    assert path.read_text() == "of the successor"


def test_the_draft_of_a_killed_process_is_removed_by_the_next_writer(tmp_path):
    killed = start_writer(tmp_path / "table.csv", "half")
    killed.kill()
    killed.wait()
    killed.communicate()
    assert len(list_names(tmp_path)) == 1
    write_text("whole", tmp_path / "table.csv")
    assert list_names(tmp_path) == ["table.csv"]


def test_the_draft_of_a_process_on_another_machine_stays(tmp_path, monkeypatch):
    with atomic_write(tmp_path / "table.csv") as draft:
        monkeypatch.setattr(files, "HOST", "elsewhere")
        write_text("of another process", tmp_path / "table.csv")
        assert draft.exists()
    assert draft.name.split("-")[1] != "elsewhere"


@pytest.mark.parametrize(
    "name", ["a" * 251 + ".csv", "\u00e9" * 125 + ".csv", b"\xff\xfe.csv".decode(errors="surrogateescape")]
)
def test_a_file_may_have_the_longest_name_that_the_file_system_allows(tmp_path, name):
    write_text("text", tmp_path / name)
    assert list_names(tmp_path) == [name]


def test_a_job_may_write_the_same_file_twice(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_written_ns", None)
    monkeypatch.setattr(files, "_process_start_ns", 0)
    files.start_job()
    for text in ("first", "second"):
        write_text(text, tmp_path / "log.txt")
    (tmp_path / "log.txt").touch()
    os.utime(tmp_path / "log.txt", ns=(time.time_ns(), time.time_ns() + 10**9))
    with pytest.raises(InputError, match="another process"):
        write_text("third", tmp_path / "log.txt")
