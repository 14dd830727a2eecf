"""What a second run makes of a finished study that people, programs and disks have changed in the meantime.

Each test starts from a copy of a finished project. The outcomes are listed in docs/understanding/faults.md.
"""

import re
import resource
import shutil
import subprocess
import sys

import pandas as pd
import processes
import pytest
import yaml
from conftest import Project

pytestmark = pytest.mark.slow

# What is made from all runs; each of these rules has one job.
SUMMARIES = {
    "collect_runs", "compare", "compare_confusers", "measure_memorization", "compare_effects", "tabulate_nights",
    "draw_figures", "write_report",
}  # fmt: skip


@pytest.fixture
def study(small, tmp_path):
    """A copy of the finished project, whose configuration is ``small.yaml``."""
    folder = tmp_path / "hardneg"
    shutil.copytree(small.folder, folder, symlinks=True)
    project = Project.__new__(Project)
    project.folder = folder
    return project


def change(study, edit):
    """Write the configuration of the study with a change; `edit` changes the mapping."""
    config = yaml.safe_load(study.path("small.yaml").read_text())
    edit(config)
    study.path("changed.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    return "changed.yaml"


def plan_before_summaries(study, config="small.yaml"):
    """Count the planned jobs, besides the summaries; the report must be among these."""
    jobs = study.plan(config)
    assert jobs["write_report"] == 1
    return {rule: count for rule, count in jobs.items() if rule not in SUMMARIES}


def refuse(study, config="small.yaml", *arguments):
    """Run the workflow, which must fail with a message instead of a traceback; return what it printed."""
    printed = study.snakemake(*(arguments or ("--dry-run",)), config=config, fails=True)
    assert "Traceback" not in printed, printed[-3000:]
    return printed


def smaller_tier(config):
    config["negative_tiers"]["top"]["top_k"] = 19


@pytest.mark.parametrize(
    ("edit", "named"),
    [
        (lambda config: config["mining"].update(model="gone.safetensors"), "mining.model: gone.safetensors"),
        (
            lambda config: config["mining"].update(model=["train", "gone.safetensors"]),
            "mining.model (the model's description): gone.json",
        ),
        (lambda config: config.update(audio_root="unmounted"), "audio_root: unmounted"),
        (
            lambda config: config.update(features={"kind": "onnx", "path": "gone.onnx"}, training={"model": "head"}),
            "features.path: gone.onnx",
        ),
    ],
    ids=["checkpoint", "description of a checkpoint in a list", "folder of the recordings", "backbone"],
)
def test_a_path_that_does_not_exist_is_refused(study, edit, named):
    printed = refuse(study, change(study, edit))
    assert "The configuration names files that do not exist" in printed and named in printed


def test_without_snakemakes_records_a_change_is_still_noticed(study):
    shutil.rmtree(study.path(".snakemake"))
    assert study.plan("small.yaml") == {}
    shutil.rmtree(study.path(".snakemake"))
    assert plan_before_summaries(study, change(study, smaller_tier)) == {"draw_tier": 2, "train": 4, "evaluate": 2}


def delete_unknown_results(project):
    """Delete the results that a dry run refuses, as its message proposes, until it refuses none."""
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--cores", "2", "--configfile", "small.yaml"]
    while True:
        completed = subprocess.run(command, cwd=project.folder, capture_output=True, text=True, check=False)
        printed = completed.stdout + completed.stderr
        if "that Snakemake has no record of" not in printed:
            return
        unknown = re.findall(r"^  (results/.+)$", printed, re.M)
        assert unknown and "Delete these files" in printed
        for name in unknown:
            project.path(name).unlink()


def test_results_whose_origin_nobody_knows_are_refused_until_a_person_accepts_them(study):
    shutil.rmtree(study.path(".snakemake"))
    study.path("results/made_from.jsonl.gz").unlink()
    printed = refuse(study)
    assert "that Snakemake has no record of" in printed and "--touch --forceall" in printed
    study.snakemake("--touch", "--forceall", config="small.yaml")
    delete_unknown_results(study)  # what was made on request, which no run without targets accepts
    assert study.plan("small.yaml") == {}


def test_results_that_were_moved_to_another_folder_are_refused(study):
    study.path("results").rename(study.path("archive"))
    moved = change(study, lambda config: config.update(pathvars={"results": "archive"}))
    assert "that Snakemake has no record of" in refuse(study, moved)


def test_the_folder_of_a_run_that_was_deleted_is_made_again(study):
    runs = sorted(study.path("results/runs").rglob("seed~2"))
    shutil.rmtree(runs[0])
    assert plan_before_summaries(study) == {"train": 1, "evaluate": 1}


def test_one_missing_file_of_a_run_is_made_again(study):
    next(study.path("results/runs").rglob("seed~1/scores.parquet")).unlink()
    assert plan_before_summaries(study) == {"evaluate": 1}


def test_an_empty_report_is_named_and_made_again_when_it_is_deleted(study):
    study.path("results/report.html").write_text("")
    printed = refuse(study)
    assert "These results are empty files. Delete them and run again.\n  results/report.html" in printed
    study.path("results/report.html").unlink()
    assert study.plan("small.yaml") == {"write_report": 1}


def test_features_that_were_deleted_to_save_space_are_named_when_a_new_seed_needs_them(study):
    arrays = sorted(study.path("results/features/logmel").glob("*.npy"))
    for array in arrays:
        array.unlink()
    assert study.plan("small.yaml") == {}
    config = change(study, lambda config: config["matrix"]["seed"].append(3))
    run = "results/runs/positive_subset~base/negative_tier~none/validation~holdout/seed~3/model.json"
    printed = refuse(study, config, run)
    assert re.search(
        r"the file does not exist. Make it again with `snakemake --cores all results/features/\S+\.npy`", printed
    )
    study.snakemake(*(f"results/features/logmel/{array.name}" for array in arrays), config="small.yaml")
    assert plan_before_summaries(study, config) == {"draw_tier": 1, "train": 6, "evaluate": 6}


@pytest.mark.parametrize("keep", [0.5, 0.99])
def test_a_truncated_table_is_named_with_what_to_do(study, keep):
    scores = next(study.path("results/runs").rglob("seed~1/scores.parquet"))
    scores.write_bytes(scores.read_bytes()[: int(keep * scores.stat().st_size)])
    printed = refuse(study, "small.yaml", "results/deltas.csv", "--forcerun", "compare")
    assert f"{scores.relative_to(study.folder)} is damaged or truncated" in printed
    scores.unlink()
    assert study.plan("small.yaml")["evaluate"] == 1


def test_damaged_weights_are_named_with_what_to_do(study):
    weights = next(study.path("results/runs/positive_subset~base").rglob("seed~1/model.safetensors"))
    weights.write_bytes(weights.read_bytes()[:200])
    scores = str(weights.with_name("scores.parquet").relative_to(study.folder))
    printed = refuse(study, "small.yaml", scores)
    assert f"checkpoint {weights.relative_to(study.folder)} is not a model" in printed
    assert "delete it and run again" in printed


def test_verify_names_the_results_that_changed(study):
    assert "results are as their jobs wrote them" in study.snakemake("verify", config="small.yaml")
    tier, array = study.path("results/tiers/hard.csv"), next(study.path("results/features/logmel").glob("pool*.npy"))
    tier.write_text(tier.read_text().replace("0.", "1.", 1))
    content = bytearray(array.read_bytes())
    content[-1] ^= 1
    array.write_bytes(content)
    printed = refuse(study, "small.yaml", "verify")
    assert f"Delete them and run again:\n  features/logmel/{array.name}\n  tiers/hard.csv" in printed


def test_answers_on_another_species_are_refused(study):
    path = study.table("results/tiers/hard.csv").file_path[0]
    answers = pd.DataFrame({"file_path": [path], "label": "positive", "target": "LICA"})
    answers.to_csv(study.path("resources/review.csv"), index=False)
    assert "has answers on LICA, but the target is RADR" in refuse(study)


def test_the_report_shows_a_setting_that_changed_behind_snakemakes_back(study):
    config = change(study, lambda config: config["training"].update(dropout=0.5))
    study.snakemake("results/report.html", "--rerun-triggers", "mtime", "--forcerun", "write_report", config=config)
    page = study.path("results/report.html").read_text()
    assert "The detectors were made with another configuration" in page and "training.dropout" in page


@pytest.mark.parametrize("name", ["results", "results/runs"])
def test_a_file_in_place_of_a_folder_is_named(study, name):
    shutil.rmtree(study.path(name))
    study.path(name).touch()
    assert f"{name} is a file, but the workflow needs a folder of this name" in refuse(study)


def test_a_limit_on_the_size_of_files_is_named(study):
    with processes.limited(resource.RLIMIT_FSIZE, 50_000):
        printed = refuse(study, "small.yaml", "--forcerun", "draw_figures")
    assert "File too large. The limit on the size of a file was reached" in printed
