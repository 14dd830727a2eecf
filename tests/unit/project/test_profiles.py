"""The resources that rules request from a cluster, and those that the profiles set."""

import json
import re
import subprocess
import sys

import cluster
import pytest
import yaml
from paths import ROOT

pytestmark = pytest.mark.slow  # a workflow is planned three times

# Prints what each rule requests when no number of cores is set, as on a cluster.
PRINT_REQUESTS = """
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
def requests(tmp_path_factory):
    def plan(device):
        command = [sys.executable, "-c", PRINT_REQUESTS, ROOT, device]
        folder = tmp_path_factory.mktemp("requests")
        completed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert completed.returncode == 0, completed.stderr
        return json.loads(completed.stdout.splitlines()[-1])

    return {device: plan(device) for device in ("cpu", "cuda", "auto")}


def test_jobs_state_their_number_of_processes_when_no_number_of_cores_is_set(requests):
    cores = {device: {name: rule["_cores"] for name, rule in rules.items()} for device, rules in requests.items()}
    assert cores["cpu"]["check_shard"] == 4
    assert cores["cpu"]["extract_features"] == 16
    for device in cores:  # shards are scored side by side
        assert (cores[device]["score_shard"], cores[device]["score_shard_again"]) == (1, 1)


def test_a_job_uses_a_gpu_only_if_its_rule_asked_for_one(requests):
    for device, rules in requests.items():
        used = {(rule["gpu"], rule["device"]) for rule in rules.values() if "gpu" in rule}
        assert used in ({(0, "cpu")}, {(1, device)})


def test_every_rule_that_asks_for_a_gpu_is_in_the_list_for_a_separate_gpu_partition(requests):
    on_gpu = {name for name, rule in requests["cuda"].items() if rule.get("gpu")}
    assert on_gpu == set(cluster.ON_GPU)
    assert not any(rule.get("gpu") for rule in requests["cpu"].values())
    row = next(
        line for line in (ROOT / "docs/using/cluster.md").read_text().splitlines() if "a separate GPU partition" in line
    )
    assert set(re.findall(r"`([a-z_]+)`", row.split("for ", 1)[1])) == on_gpu


@pytest.mark.parametrize("engine", ["slurm", "kubernetes"])
def test_profiles_give_gpu_rules_more_memory_and_second_rounds_the_resources_of_the_first(requests, engine):
    resources = yaml.safe_load((ROOT / "profiles" / engine / "profile.yaml").read_text())["set-resources"]
    assert resources.keys() <= requests["cuda"].keys()
    assert set(cluster.ON_GPU) <= resources.keys()
    first_round = {
        "train_second_model": "train_mining_model",
        "score_shard_again": "score_shard",
        "rank_remaining": "rank_pool",
    }
    first_resources = {rule: resources[first] for rule, first in first_round.items()}
    assert {rule: resources[rule] for rule in first_round} == first_resources
