"""What the rules ask of a cluster, and what the profiles say of them."""

import json
import re
import subprocess
import sys

import cluster
import pytest
import yaml
from paths import ROOT

pytestmark = pytest.mark.slow  # a workflow is planned three times

# What each rule asks for, where no number of cores is given, as on a cluster.
ASKED = """
import json, sys
from pathlib import Path
from snakemake.api import SnakemakeApi
from snakemake.settings.types import ConfigSettings, ResourceSettings

root, device = Path(sys.argv[1]), sys.argv[2]
config = ConfigSettings(
    configfiles=[root / "config/config.yaml"], config={"device": device, "mining": {"rounds": 2}}
)
with SnakemakeApi() as api:
    workflow = api.workflow(ResourceSettings(), config, snakefile=root / "Snakefile", workdir=Path.cwd())
    rules = workflow._workflow.rules
print(json.dumps({rule.name: {key: rule.resources[key].raw for key in ("_cores", "gpu", "device") if key in rule.resources} for rule in rules}))
"""


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    def ask(device):
        command = [sys.executable, "-c", ASKED, ROOT, device]
        folder = tmp_path_factory.mktemp("asked")
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return {device: ask(device) for device in ("cpu", "cuda", "auto")}


def test_jobs_say_how_many_processes_they_use_where_no_number_of_cores_is_given(asked):
    cores = {device: {name: rule["_cores"] for name, rule in rules.items()} for device, rules in asked.items()}
    assert cores["cpu"]["check_shard"] == 4
    assert (cores["cpu"]["score_shard"], cores["cpu"]["score_shard_again"]) == (16, 16)
    assert (cores["cuda"]["score_shard"], cores["cuda"]["score_shard_again"]) == (1, 1), (
        "a GPU is served by one process"
    )


def test_a_job_is_told_to_use_a_gpu_only_where_its_rule_asked_for_one(asked):
    for device, rules in asked.items():
        told = {(rule["gpu"], rule["device"]) for rule in rules.values() if "gpu" in rule}
        assert told in ({(0, "cpu")}, {(1, device)})


def test_every_rule_that_asks_for_a_gpu_is_named_where_a_site_gives_it_its_own(asked):
    on_gpu = {name for name, rule in asked["cuda"].items() if rule.get("gpu")}
    assert on_gpu == set(cluster.ON_GPU)
    assert not any(rule.get("gpu") for rule in asked["cpu"].values())
    row = next(
        line for line in (ROOT / "docs/using/cluster.md").read_text().splitlines() if "a separate GPU partition" in line
    )
    assert set(re.findall(r"`([a-z_]+)`", row.split("for ", 1)[1])) == on_gpu


@pytest.mark.parametrize("engine", ["slurm", "kubernetes"])
def test_a_cluster_gives_every_rule_on_a_gpu_more_memory_and_a_second_round_what_the_first_has(asked, engine):
    given = yaml.safe_load((ROOT / "profiles" / engine / "profile.yaml").read_text())["set-resources"]
    assert given.keys() <= asked["cuda"].keys()
    assert set(cluster.ON_GPU) <= given.keys()
    again = {
        "train_second_model": "train_mining_model",
        "score_shard_again": "score_shard",
        "rank_remaining": "rank_pool",
    }
    assert {rule: given[rule] for rule in again} == {rule: given[first] for rule, first in again.items()}
