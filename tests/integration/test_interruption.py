"""What a night may do to a run: everything killed, no disk left, no memory left, Ctrl-C."""

import os
import random
import shutil
import signal
import subprocess
import time

import interruption
import processes
import pytest
import yaml
from conftest import SMALL, Project, add_recordings

pytestmark = pytest.mark.slow
KILLS = 30
CONTROLLER_KILLS = 5
DAMAGED_FILES = 12


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A project with few jobs but some of every kind, and what it gives when nothing happens to it."""
    project = Project(tmp_path_factory.mktemp("interrupted") / "hardneg")
    add_recordings(project, 200, 80, seed=6)
    config = SMALL | {
        "files_per_shard": 200,
        "negative_tiers": {"none": {}, "hard": {"top_fraction": 0.3}},
        "matrix": {"positive_subset": ["half"], "negative_tier": ["none", "hard"], "seed": [1]},
        "pathvars": {"results": "results/night"},
    }
    project.path("night.yaml").write_text(yaml.safe_dump(config))
    project.snakemake(config="night.yaml")
    return project, interruption.digests(project.path("results/night"))


@pytest.fixture
def project(undisturbed):
    """The project without its results."""
    shutil.rmtree(undisturbed[0].path("results/night"), ignore_errors=True)
    return undisturbed[0]


@pytest.fixture
def calm(undisturbed):
    """SHA-256 of each result of the undisturbed run, by its name."""
    return undisturbed[1]


def test_a_run_killed_thirty_times_gives_the_same_results(project, calm):
    moments, kills, whole = random.Random(8), 0, 0
    while kills < KILLS or not whole:
        run = interruption.start(project, "night.yaml")
        if interruption.ends_within(run, moments.uniform(2, 10) if kills < KILLS else 900):
            assert run.returncode == 0, project.path("run.log").read_text()[-4000:]
            assert interruption.digests(project.path("results/night")) == calm
            whole += 1
            shutil.rmtree(project.path("results/night"))
        else:
            interruption.kill_tree(run)
            kills += 1
            project.snakemake("--unlock", config="night.yaml")
    assert kills == KILLS


def test_jobs_that_outlive_their_workflow_change_nothing(project, calm):
    moments, kills, orphans = random.Random(9), 0, []
    while kills < CONTROLLER_KILLS:
        run = interruption.start(project, "night.yaml")
        if not interruption.ends_within(run, moments.uniform(2, 10)):
            orphans += processes.descendants(run.pid)
            run.kill()
            kills += 1
            run.wait()
            project.snakemake("--unlock", config="night.yaml")
        assert run.returncode in (0, -signal.SIGKILL), project.path("run.log").read_text()[-4000:]
    project.snakemake(config="night.yaml")
    interruption.wait_for(orphans)
    assert orphans and interruption.digests(project.path("results/night")) == calm


def test_damaged_results_are_named_and_made_again(project, calm):
    project.snakemake(config="night.yaml")
    damaged = random.Random(10).sample(sorted(calm), DAMAGED_FILES)
    for name in damaged:
        path = project.path("results/night") / name
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] + b"\0")
    printed = project.snakemake("verify", config="night.yaml", fails=True)
    assert "Traceback" not in printed
    for name in damaged:
        assert f"\n  {name}\n" in printed
        (project.path("results/night") / name).unlink()
    project.snakemake(config="night.yaml")
    left_out = calm.keys() - interruption.digests(project.path("results/night")).keys()
    assert left_out < set(damaged)  # what no job needs any more is made only on request
    project.snakemake(*(f"results/night/{name}" for name in left_out), config="night.yaml")
    assert interruption.digests(project.path("results/night")) == calm


def test_ctrl_c_stops_within_seconds_and_leaves_no_lock(project, calm):
    run = interruption.start(project, "night.yaml")
    wait_for_jobs(run, "train")
    os.killpg(run.pid, signal.SIGINT)
    assert interruption.ends_within(run, 15) and run.returncode != 0
    assert not processes.descendants(run.pid)
    project.snakemake(config="night.yaml")
    assert interruption.digests(project.path("results/night")) == calm


def test_a_job_killed_for_memory_is_named_with_the_setting_to_change(project, calm):
    project.path("run.log").unlink(missing_ok=True)
    run = interruption.start(project, "night.yaml")
    os.kill(wait_for_jobs(run, "train")[-1], signal.SIGKILL)
    assert interruption.ends_within(run, 60) and run.returncode != 0
    printed = project.path("run.log").read_text()
    assert "killed from outside" in printed and "mem_mb" in printed
    project.snakemake(config="night.yaml")
    assert interruption.digests(project.path("results/night")) == calm


def test_a_full_disk_is_named_and_the_run_goes_on_when_there_is_space(project, calm):
    results = project.path("results/night")
    results.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=700k", "tmpfs", results], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        printed = project.snakemake("--keep-going", config="night.yaml", fails=True)
        assert "No space left" in printed and str(results) in printed
        subprocess.run(["mount", "-o", "remount,size=200m", results], check=True)
        project.snakemake(config="night.yaml")
        assert interruption.digests(results) == calm
    finally:
        subprocess.run(["umount", results], check=True)


def wait_for_jobs(run, script):
    """Wait until jobs of a run are in `script`; give their processes."""
    deadline = time.monotonic() + 120
    while not (jobs := [pid for pid in processes.descendants(run.pid) if runs_script(pid, script)]):
        assert run.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    return jobs


def runs_script(pid, name):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as words:
            return any(word.endswith(f"{name}.py".encode()) for word in words.read().split(b"\0"))
    except (FileNotFoundError, ProcessLookupError):
        return False
