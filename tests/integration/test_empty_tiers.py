"""A tier without files leaves its arms and its controls out, and stops nothing else."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from conftest import SMALL, Project

pytestmark = pytest.mark.slow

SUMMARIES = {
    "collect_runs",
    "compare",
    "compare_effects",
    "compare_confusers",
    "measure_memorization",
    "tabulate_nights",
    "draw_figures",
    "write_report",
}


@pytest.fixture(scope="module")
def project(small, tmp_path_factory) -> Project:
    """A copy of the finished small project, so that the others find theirs unchanged."""
    copy = object.__new__(Project)
    copy.folder = Path(shutil.copytree(small.folder, tmp_path_factory.mktemp("empty") / "hardneg", symlinks=True))
    return copy


def write_config(project: Project, absent: dict) -> str:
    config = yaml.safe_load(project.path("small.yaml").read_text())
    config["negative_tiers"] |= {"absent": absent, "absent_control": {"match_size_of": "absent"}}
    tiers = ["none", "hard", "control", "absent", "absent_control"]
    config["matrix"] |= {"positive_subset": ["base"], "negative_tier": tiers}
    config["comparisons"] = SMALL["comparisons"] + [{"vary": "negative_tier", "baseline": "absent_control"}]
    project.path("absent.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    return "absent.yaml"


def test_the_other_arms_are_compared_and_the_empty_tier_trains_once_it_has_files(project):
    config = write_config(project, {"min_confidence": 0.999999})
    printed = project.snakemake(config=config)
    assert "Warning: Tier absent has no files, so its runs are left out. No file has a confidence of" in printed
    assert "Warning: Tier absent_control has no files" in printed
    runs, deltas = project.table("results/runs.csv"), project.table("results/deltas.csv")
    assert set(runs.negative_tier) == {"none", "hard", "control"}
    assert set(deltas.baseline) == {"none"} and set(deltas.value) == {"hard", "control"}
    assert "Nothing is compared with negative tier absent_control" in project.path("results/report.html").read_text()
    descriptions = [path for path in project.path("results/runs").rglob("model.json") if "~absent" in str(path)]
    assert len(descriptions) == 4
    assert all("left_out" in json.loads(path.read_text()) for path in descriptions)
    assert project.plan(config) == {}

    config = write_config(project, {"top_k": 5})
    plan = project.plan(config)
    assert plan == {
        "assign_tier": 1, "draw_tier": 2, "train": 4, "evaluate": 2, **dict.fromkeys(SUMMARIES, 1),
    }  # fmt: skip
    project.snakemake(config=config)
    assert set(project.table("results/runs.csv").negative_tier) == {
        "none",
        "hard",
        "control",
        "absent",
        "absent_control",
    }
    assert set(project.table("results/deltas.csv").baseline) == {"none", "absent_control"}


def test_an_empty_tier_stops_the_run_if_it_must_not_be_empty(project):
    config = write_config(project, {"min_confidence": 0.999999, "allow_empty": False})
    printed = project.snakemake("results/tiers/absent.csv", config=config, fails=True)
    assert "negative tier 'absent' is empty. No file has a confidence of 0.999999 or more. The highest of" in printed
    assert "would select 10 files" in printed
    assert "Traceback" not in printed
