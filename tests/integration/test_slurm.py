"""The whole job through a real SLURM: two nodes on this machine, each with one stand-in GPU."""

import os
import shutil
import signal
import threading
import time

import cluster
import pandas as pd
import processes
import pytest
import yaml
from conftest import SMALL, Project, add_recordings

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(cluster.missing()), reason=f"no SLURM here: {cluster.missing()}"),
]

TABLES = ("runs.csv", "deltas.csv", "breakdown.csv", "tiers/hard.csv")


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slurm")
    folder.chmod(0o755)
    with cluster.Cluster(folder) as running:
        yield running


@pytest.fixture(scope="module")
def project(slurm, tmp_path_factory):
    """A project small enough for a dozen cluster jobs, run locally and then on the cluster."""
    project = Project(tmp_path_factory.mktemp("on-slurm") / "hardneg")
    add_recordings(project, 200, 80, seed=4)
    config = SMALL | {
        "files_per_shard": 10_000,
        "matrix": {"positive_subset": ["base"], "negative_tier": ["none", "hard"], "seed": [1]},
        "pathvars": {"results": "results/local"},
    }
    project.path("local.yaml").write_text(yaml.safe_dump(config))
    project.path("slurm.yaml").write_text(yaml.safe_dump(config | {"pathvars": {"results": "results/slurm"}}))
    project.snakemake(config="local.yaml")
    on_slurm(project)
    return project


def on_slurm(project, *targets):
    """Run through SLURM with the shipped profile, for nodes as small as these. The stand-in GPUs compute nothing, so jobs
    ask for one and use the CPU."""
    gpus = [f"{rule}:gpu=1" for rule in cluster.ON_GPU]
    return project.snakemake(
        *targets, "--workflow-profile", "profiles/slurm", "--config", "device=auto", "--set-resources", *gpus,
        "--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "10",
        "--max-threads", str(os.cpu_count()),
        config="slurm.yaml", cores=None,
    )  # fmt: skip


def test_the_cluster_gives_the_local_results_and_one_gpu_to_one_job(slurm, project):
    for name in TABLES:
        ours, local = project.table(f"results/slurm/{name}"), project.table(f"results/local/{name}")
        pd.testing.assert_frame_equal(ours, local)
    jobs = slurm.jobs()
    assert {job["JobState"] for job in jobs} == {"COMPLETED"}
    on_gpu = [job for job in jobs if "gpu:1" in job.get("TresPerJob", "") + job.get("TresPerNode", "")]
    assert len(on_gpu) == 2 + 1 + 1 + 2 + 2  # extract, mine, train_mining_model, train, evaluate
    for position, one in enumerate(on_gpu):
        for other in on_gpu[position + 1 :]:
            apart = one["EndTime"] <= other["StartTime"] or other["EndTime"] <= one["StartTime"]
            assert apart or one["NodeList"] != other["NodeList"], "two jobs on one GPU"


def test_jobs_lost_to_scancel_a_time_limit_or_a_node_run_again(slurm, project):
    before = {job["JobId"] for job in slurm.jobs()}
    lost = {}

    def next_that_runs():
        while True:
            for job in slurm.jobs():
                if job["JobId"] not in before | set(lost) and job["JobState"] == "RUNNING":
                    return job
            time.sleep(0.2)

    def state(job):
        return next(other["JobState"] for other in slurm.jobs() if other["JobId"] == job)

    def let_three_die():
        cancelled = next_that_runs()["JobId"]
        lost[cancelled] = "CANCELLED"
        slurm.command("scancel", cancelled)
        slow = next_that_runs()["JobId"]
        lost[slow] = "TIMEOUT"
        for process in processes.descendants(*slurm.steps(slow)):
            os.kill(process, signal.SIGSTOP)
        slurm.command("scontrol", "update", f"JobId={slow}", "TimeLimit=1")
        while state(slow) == "RUNNING":
            time.sleep(1)
        doomed = next_that_runs()
        lost[doomed["JobId"]] = "COMPLETED"  # SLURM itself puts a lost node's job back into the queue
        slurm.lose_node(doomed["NodeList"])

    shutil.rmtree(project.path("results/slurm/runs"))
    project.path("results/slurm/runs.csv").unlink()
    threading.Thread(target=let_three_die, daemon=True).start()
    on_slurm(project)
    states = {job["JobId"]: job["JobState"] for job in slurm.jobs() if job["JobId"] not in before}
    assert {job: states[job] for job in lost} == lost and len(lost) == 3
    assert [job["JobId"] for job in slurm.jobs() if job["Restarts"] != "0"] == [list(lost)[-1]]
    assert (
        list(states.values()).count("COMPLETED") == 2 + 2 + 2
    )  # train, evaluate, and both comparisons: what was lost, once more
    for name in TABLES:
        pd.testing.assert_frame_equal(project.table(f"results/slurm/{name}"), project.table(f"results/local/{name}"))
