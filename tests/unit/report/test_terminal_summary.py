import os
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


def test_the_summary_leads_with_the_answer_and_ends_with_the_report(tmp_path):
    row = {
        "vary": "negative_tier", "value": "hard", "baseline": "none", "positive_subset": "base", "split": "test_ood",
        "n": 3, "difference": 0.05, "ci_low": 0.01, "ci_high": 0.09, "effect_of_interest": 0.03,
    }  # fmt: skip
    verdicts = {"average_precision": "undecided", "f1": "improves", "precision": "no verdict", "recall": "hurts"}
    deltas = pd.DataFrame([row | {"metric": metric, "verdict": verdict} for metric, verdict in verdicts.items()])
    deltas.loc[deltas.metric == "precision", "difference"] = float("nan")
    deltas.to_csv(tmp_path / "deltas.csv", index=False)
    (tmp_path / "answer.txt").write_text("RADR: Out of distribution\n- Train on “hard”.\n", encoding="utf-8")
    assert terminal_summary.summarize_results(str(tmp_path)) == ""
    (tmp_path / "report.html").touch()
    title, answer, *lines, last = terminal_summary.summarize_results(str(tmp_path)).strip().splitlines()
    assert (title, answer) == ("RADR: Out of distribution", "- Train on “hard”.")
    assert "improves F1; hurts recall" in "\n".join(lines)
    assert "nan" not in "\n".join(lines) and "\N{EN DASH}" in "\n".join(lines)
    assert last == f"Report: {tmp_path / 'report.html'}"


def test_warnings_about_arms_are_listed_and_nothing_is_written_without_them(tmp_path):
    path = tmp_path / "comparison_warnings.csv"
    path.write_text("arm,warning\n")
    assert terminal_summary.format_warnings(path) == terminal_summary.format_warnings(tmp_path / "none.csv") == ""
    path.write_text("arm,warning\nhard,the detector of seed 2 is nearly constant.\n")
    assert terminal_summary.format_warnings(path) == "Warnings\n- hard: the detector of seed 2 is nearly constant.\n\n"


def test_a_row_without_a_judged_metric_shows_the_verdict_on_f1():
    row = {"vary": "tier", "value": "hard", "baseline": "none", "split": "test_ood", "n": 3, "difference": 0.05}
    metrics = ("average_precision", "f1", "precision", "recall", "precision_at_baseline_recall")
    text = terminal_summary.format_differences(
        pd.DataFrame([row | {"metric": m, "verdict": "undecided"} for m in metrics])
    )
    assert "F1: undecided" in text and "P@R" in text and "precision at the baseline's recall" in text


def test_after_mining_alone_the_summary_is_that_of_the_first_look(tmp_path):
    (tmp_path / "mining").mkdir()
    look = tmp_path / "mining" / "first_look.txt"
    look.write_text("RADR: a first look at the pool\n", encoding="utf-8")
    assert terminal_summary.summarize_results(str(tmp_path)).strip() == "RADR: a first look at the pool"

    row = {"vary": "negative_tier", "value": "hard", "baseline": "none", "split": "test_ood", "n": 3, "metric": "f1"}
    deltas = pd.DataFrame([row | {"positive_subset": "a", "difference": 0.1, "verdict": "undecided"}])
    deltas[["vary", "value", "baseline", "positive_subset", "split", "metric", "n", "difference", "verdict"]].to_csv(
        tmp_path / "deltas.csv", index=False
    )
    (tmp_path / "report.html").touch()
    (tmp_path / "answer.txt").write_text("The answer.\n")
    os.utime(look, (1, 1))
    assert terminal_summary.summarize_results(str(tmp_path)).strip().startswith("The answer.")
    os.utime(tmp_path / "answer.txt", (0, 0))
    assert "a first look" in terminal_summary.summarize_results(str(tmp_path))
