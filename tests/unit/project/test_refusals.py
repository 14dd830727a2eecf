"""Errors that stop the planning, before any audio is opened. The folder of the audio is empty."""

import subprocess
import sys

import pytest
import yaml
from paths import ROOT

ROWS = [
    ("p1.wav", "positive", "train", "high", "pond", "r1"), ("n1.wav", "negative", "train", "", "pond", "r2"),
    ("p2.wav", "positive", "val", "high", "pond", "r3"), ("m1.wav", "negative", "pool", "", "hill", "r4"),
]  # fmt: skip
CASES = {
    "a recorder of the pool elsewhere": ([("m2.wav", "negative", "pool", "", "hill", "r2")], {}, "A recorder-night must be in one split only. These rows break the rule:\n  m2.wav (split test_pool"),
    "an empty subset": ([], {"positive_subsets": {"base": {"quality": ["medium"]}}}, "positive subset 'base' holds no recording"),
    "a subset that adds nothing": ([], {"matrix": {"positive_subset": ["base", "half"]}}, "positive subset 'half' adds no recording"),
    "a site that is not there": ([], {"splits": {"ood_sites": ["creek"]}}, "splits.ood_sites names 'creek'"),
    "a file under two recorders": ([("n1.wav", "negative", "train", "", "pond", "r9")], {}, "line 6: n1.wav: recorder_id is 'r9'"),
}  # fmt: skip
CONFIG = {
    "target": "frog",
    "manifest": "manifest.csv",
    "audio_root": "audio",
    "splits": {},
    "windows": {},
    "features": {},
    "mining": {"positive_subset": "base"},
    "positive_subsets": {
        "base": {"quality": ["high"]},
        "half": {"quality": ["high"], "add": {"quality": ["low"], "top_fraction": 0.5}},
    },
    "negative_tiers": {"none": {}, "hard": {"top_fraction": 0.5}},
    "matrix": {"positive_subset": ["base"], "negative_tier": ["none", "hard"], "seed": [1]},
    "training": {},
    "comparisons": [{"vary": "negative_tier", "baseline": "none"}],
}


@pytest.fixture
def plan(tmp_path):
    (tmp_path / "audio").mkdir()

    def plan(more, change):
        lines = [
            ",".join(row) for row in (("file_path", "label", "split", "quality", "site", "recorder_id"), *ROWS, *more)
        ]
        (tmp_path / "manifest.csv").write_text("\n".join(lines))
        config = {key: part | change.get(key, {}) if isinstance(part, dict) else part for key, part in CONFIG.items()}
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
        command = [sys.executable, "-m", "snakemake", "--dry-run", "--cores", "1", "--configfile", "config.yaml"]
        command += ["--snakefile", ROOT / "Snakefile", "--directory", tmp_path]
        completed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        return completed.returncode, completed.stdout + completed.stderr

    return plan


@pytest.mark.parametrize("case", CASES)
def test_errors_of_the_manifest_stop_the_planning(plan, case):
    more, change, message = CASES[case]
    code, printed = plan(more, change)
    assert code != 0 and message in printed, printed
    assert "Traceback" not in printed


def test_a_subset_that_no_run_trains_on_is_not_checked(plan):
    code, printed = plan([], {})
    assert code == 0, printed
