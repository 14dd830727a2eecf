"""The whole job through a real SLURM: two nodes on this machine, each with one stand-in GPU."""

import shutil
import threading
import time

import cluster
import pandas as pd
import pytest
import yaml
from conftest import SMALL, Project, add_recordings

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(cluster.missing()), reason=f"no SLURM here: {cluster.missing()}"),
]

ON_GPU = ("extract_features", "mine_shard", "train", "train_mining_model", "evaluate")
TABLES = ("runs.csv", "deltas.csv", "breakdown.csv", "tiers/hard.csv")


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slurm")
    folder.chmod(0o755)
    with cluster.Cluster(folder) as running:
        yield running


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project small enough for a dozen cluster jobs, run locally first."""
    project = Project(tmp_path_factory.mktemp("on-slurm") / "hardneg")
    add_recordings(project, 200, 80, seed=4)
    config = SMALL | {
        "shard_files": 10_000,
        "matrix": {"positive_subset": ["base"], "negative_tier": ["none", "hard"], "seed": [1]},
        "pathvars": {"results": "results/local"},
    }
    project.path("local.yaml").write_text(yaml.safe_dump(config))
    project.path("slurm.yaml").write_text(yaml.safe_dump(config | {"pathvars": {"results": "results/slurm"}}))
    project.snakemake(config="local.yaml")
    return project


def on_slurm(project, *targets):
    """Run through SLURM with the shipped profile. The stand-in GPUs compute nothing, so jobs ask for one and use the CPU."""
    gpus = [f"{rule}:gpu=1" for rule in ON_GPU]
    return project.snakemake(
        *targets, "--workflow-profile", "profiles/slurm", "--config", "device=auto", "--set-resources", *gpus,
        "--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "10",
        config="slurm.yaml",
    )  # fmt: skip


def test_the_cluster_gives_the_local_results_and_one_gpu_to_one_job(slurm, project):
    on_slurm(project)
    for name in TABLES:
        ours, local = project.table(f"results/slurm/{name}"), project.table(f"results/local/{name}")
        pd.testing.assert_frame_equal(ours, local)
    jobs = slurm.jobs()
    assert {job["JobState"] for job in jobs} == {"COMPLETED"}
    held = [job for job in jobs if "gpu:1" in job.get("TresPerJob", "") + job.get("TresPerNode", "")]
    assert len(held) == 2 + 1 + 1 + 2 + 2  # extract, mine, train_mining_model, train, evaluate
    for place, one in enumerate(held):
        for other in held[place + 1 :]:
            apart = one["EndTime"] <= other["StartTime"] or other["EndTime"] <= one["StartTime"]
            assert apart or one["NodeList"] != other["NodeList"], "two jobs on one GPU"


def test_a_cancelled_job_is_tried_again_and_the_run_ends_right(slurm, project):
    before = {job["JobId"] for job in slurm.jobs()}
    cancelled = []

    def cancel_the_first_that_runs():
        deadline = time.monotonic() + 120
        while not cancelled and time.monotonic() < deadline:
            running = [
                job["JobId"] for job in slurm.jobs() if job["JobId"] not in before and job["JobState"] == "RUNNING"
            ]
            if running:
                slurm.command("scancel", running[0])
                cancelled.append(running[0])
            time.sleep(0.2)

    shutil.rmtree(project.path("results/slurm/runs"))
    project.path("results/slurm/runs.csv").unlink()
    watcher = threading.Thread(target=cancel_the_first_that_runs)
    watcher.start()
    on_slurm(project)
    watcher.join()
    states = {job["JobId"]: job["JobState"] for job in slurm.jobs() if job["JobId"] not in before}
    assert states[cancelled[0]] == "CANCELLED"
    assert list(states.values()).count("COMPLETED") == 2 + 2 + 1  # train, evaluate, compare: one of them twice
    for name in TABLES:
        pd.testing.assert_frame_equal(project.table(f"results/slurm/{name}"), project.table(f"results/local/{name}"))
