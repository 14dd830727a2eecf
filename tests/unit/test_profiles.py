"""What the rules ask of a cluster, and what the profiles say of them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
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
print(json.dumps({rule.name: {key: rule.resources[key].raw for key in ("_cores", "gpu") if key in rule.resources} for rule in rules}))
"""


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    def ask(device):
        command = [sys.executable, "-c", ASKED, ROOT, device]
        folder = tmp_path_factory.mktemp("asked")
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return {device: ask(device) for device in ("cpu", "cuda")}


def test_jobs_say_how_many_processes_they_use_where_no_number_of_cores_is_given(asked):
    cores = {device: {name: rule["_cores"] for name, rule in rules.items()} for device, rules in asked.items()}
    assert cores["cpu"]["check_shard"] == 4
    assert (cores["cpu"]["mine_shard"], cores["cpu"]["mine_shard_again"]) == (16, 16)
    assert (cores["cuda"]["mine_shard"], cores["cuda"]["mine_shard_again"]) == (1, 1), "a GPU is served by one process"
