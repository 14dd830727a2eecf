"""How the rule files fit together."""

import itertools
import json
import re
import subprocess
import sys

import pytest
from paths import ROOT

pytestmark = pytest.mark.slow  # a workflow is parsed many times

RULES = ROOT / "workflow" / "rules"
INCLUDED = [
    *re.findall(r'include: "rules/(\w+\.smk)"', (ROOT / "workflow" / "Snakefile").read_text()),
    *re.findall(r'include: "(\w+\.smk)"', (RULES / "experiment.smk").read_text()),
]
OTHERS = ("common.smk", "plan.smk", "finished_runs.smk", "folds.smk", "experiment.smk")
FIRST, STAGES = (
    ["common.smk", "plan.smk"],
    sorted(set(INCLUDED) - set(OTHERS), key=INCLUDED.index),
)

# The rules that each Snakefile defines, and which of them run where Snakemake runs. Snakefiles that one process parses
# share their global names, so each has a separate process.
PARSE = """
import json, multiprocessing, sys
from pathlib import Path
from snakemake.api import SnakemakeApi
from snakemake.settings.types import ConfigSettings, ResourceSettings

def parse(snakefile):
    config = ConfigSettings(configfiles=[Path(sys.argv[1])], config={"mining": {"rounds": 2}})
    with SnakemakeApi() as api:
        workflow = api.workflow(ResourceSettings(), config, snakefile=Path(snakefile))._workflow
        return {rule.name: rule.name in workflow._localrules for rule in workflow.rules}

with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as pool:
    print(json.dumps(pool.map(parse, sys.argv[2:], chunksize=1)))
"""


@pytest.fixture(scope="module")
def parse(tmp_path_factory):
    """Parse a Snakefile for each list of rule files, included in this order."""
    folder = tmp_path_factory.mktemp("parsed")
    numbers = itertools.count()

    def parse_all(*orders):
        snakefiles = [folder / f"{next(numbers)}.smk" for _ in orders]
        for snakefile, order in zip(snakefiles, orders, strict=True):
            snakefile.write_text("".join(f'include: "{RULES / name}"\n' for name in order))
        command = [sys.executable, "-c", PARSE, ROOT / "config" / "config.yaml", *snakefiles]
        parsed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert parsed.returncode == 0, parsed.stderr
        return json.loads(parsed.stdout.splitlines()[-1])

    return parse_all


def test_the_order_of_the_rule_files_changes_no_rule(parse):
    in_order, reversed_order = parse([*FIRST, *STAGES], [*FIRST, *reversed(STAGES)])
    assert in_order == reversed_order
    assert len(in_order) > 25


def test_each_rule_file_needs_only_the_configuration_and_the_plan(parse):
    assert all(parse(*([*FIRST, name] for name in STAGES)))


def test_work_on_tables_runs_where_snakemake_runs_and_networks_do_not(parse):
    (rules,) = parse([*FIRST, *STAGES])
    assert all(rules[name] for name in ("assign_tier", "audit", "compare_rounds", "select_positives", "write_report"))
    assert not any(rules[name] for name in ("check_shard", "score_shard_again", "train", "compare", "cut_clips"))
