"""The benchmarks of the documentation run, and the fast pipeline gives the scores of the plain one."""

import json
import re
import subprocess
import sys

import pytest
from paths import SCRIPTS

pytestmark = pytest.mark.slow


def run(module, *arguments):
    command = [sys.executable, "-W", "ignore", "-m", f"hardneg.benchmarks.{module}", *map(str, arguments)]
    process = subprocess.run(command, cwd=SCRIPTS, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    return process.stdout


def test_all_pipelines_are_timed_and_the_workflow_gives_the_scores_of_the_naive_one(tmp_path):
    table = run("pipeline_timing", tmp_path, "--files", 24, "--repeats", 1)
    result = json.loads((tmp_path / "bench.json").read_text())
    assert (tmp_path / "bench.md").read_text().strip() == table.strip()
    ours = [row for row in result["pipelines"] if row["rival"] == "this workflow"]
    assert {(row["format"], row["rate"], row["cache"]) for row in ours} == {
        ("wav", 48000, "warm"), ("wav", 48000, "cold"), ("flac", 48000, "warm"), ("wav", 24000, "warm"),
    }  # fmt: skip
    for row in ours:
        assert row["ratio"] > 0 and row["cpu_ms_per_file"] > 0
        assert row["largest_score_difference"] < 0.02 * row["score_spread"]
        assert 0 < row["parts"]["scoring"] < row["seconds"] and row["parts"]["extraction"] > 0
    minute = re.search(r"this workflow scores ([\d,]+) windows a minute", table).group(1)
    assert float(minute.replace(",", "")) == pytest.approx(24 * 60 / ours[0]["parts"]["scoring"], abs=1)
    assert {row["step"] for row in result["steps"]} >= {"decode", "log-mel", "network", "write features"}
    assert all(peak > 1e8 for peak in result["peak_bytes"].values()), "torch alone takes more"


@pytest.mark.parametrize(("model", "epochs"), [("head", 50), ("cnn", 1)])
def test_a_matrix_is_timed(tmp_path, model, epochs):
    summary = run("matrix_timing", tmp_path, "--model", model, "--epochs", epochs, "--runs", 1, "--processes", 1)
    start = f"1 runs of {model}, 0 hidden units, {epochs} epochs, on cpu, 1 processes: "
    assert re.fullmatch(re.escape(start) + r"\d+ s\. CPU seconds: \d+\. .+\n", summary)
    (history,), (runs,) = tmp_path.glob("*/run-0/history.csv"), tmp_path.glob("*/runs.csv")
    assert len(history.read_text().splitlines()) == 1 + epochs
    assert "test_ood" in runs.read_text()
