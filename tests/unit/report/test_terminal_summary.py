import shutil
from collections import namedtuple

import pandas as pd
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


def test_the_summary_leads_with_the_verdicts_and_ends_with_the_report(tmp_path):
    row = {
        "vary": "negative_tier", "value": "hard", "baseline": "none", "positive_subset": "base", "split": "test_ood",
        "n": 3, "difference": 0.05, "ci_low": 0.01, "ci_high": 0.09, "effect_of_interest": 0.03, "verdict": "improves",
    }  # fmt: skip
    metrics = ("average_precision", "f1", "precision", "recall")
    pd.DataFrame([row | {"metric": metric} for metric in metrics]).to_csv(tmp_path / "deltas.csv", index=False)
    assert terminal_summary.summarize_results(str(tmp_path)) == ""
    (tmp_path / "report.html").touch()
    first, *_, last = terminal_summary.summarize_results(str(tmp_path)).strip().splitlines()
    assert "compared with “none”, hard improves F1 by 5.0 points [+1.0, +9.0]" in first
    assert last == f"Report: {tmp_path / 'report.html'}"
