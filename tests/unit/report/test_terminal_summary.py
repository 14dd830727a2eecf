import shutil
from collections import namedtuple

import pytest

from hardneg.report import terminal_summary


@pytest.mark.parametrize(
    "line",
    [
        "Command 'python train.py' died with <Signals.SIGKILL: 9>.",
        "Command 'python train.py' returned non-zero exit status 137.",
        "SLURM-job '7' failed, SLURM status is: 'OUT_OF_MEMORY'.",
    ],
)
def test_a_killed_job_is_named_with_the_settings_to_change(tmp_path, line):
    log = tmp_path / "snakemake.log"
    log.write_text(f"Error in rule train:\n{line}\n")
    text = terminal_summary.explain_failure(str(tmp_path), [str(log)])
    assert "killed from outside" in text and "mem_mb" in text and "--cores" in text


def test_another_failure_is_left_to_its_own_message(tmp_path):
    log = tmp_path / "snakemake.log"
    log.write_text("Error in rule train: exit status 1, 1370 windows\n")
    assert terminal_summary.explain_failure(str(tmp_path), [str(log), str(tmp_path / "gone.log")]) == ""


def test_a_full_disk_is_named_by_its_folder(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(10**9, 10**9, 4096))
    assert f"No space left on the disk of {tmp_path}" in terminal_summary.explain_failure(str(tmp_path), [])
