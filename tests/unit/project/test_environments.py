import re
import subprocess
import sys
import tomllib
from itertools import chain

import pytest
import yaml
from packaging.requirements import Requirement
from paths import ROOT, SCRIPTS

CONDA_NAMES = {
    "matplotlib-base": "matplotlib",
    "soxr-python": "soxr",
    "pysoundfile": "soundfile",
    "pytorch-cpu": "torch",
    "pytorch-gpu": "torch",
}


def locked():
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / "constraints.txt").read_text(), flags=re.MULTILINE))


def test_every_direct_dependency_has_a_range_and_a_locked_version_within_it():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for text in [*project["dependencies"], *chain(*project["optional-dependencies"].values())]:
        requirement = Requirement(text)
        assert requirement.specifier, text
        assert requirement.specifier.contains(locked()[requirement.name]), text


@pytest.mark.parametrize("name", ["cpu", "gpu"])
def test_conda_environments_name_the_locked_versions(name):
    environment = yaml.safe_load((ROOT / "envs" / f"{name}.yaml").read_text())
    pinned = dict(text.split(" =") for text in environment["dependencies"] if not text.startswith("python ="))
    assert len(pinned) > 10
    for package, version in pinned.items():
        assert locked()[CONDA_NAMES.get(package, package)] == version, package


def test_no_code_unpickles_or_executes_the_content_of_a_file():
    forbidden = re.compile(
        r"\b(pickle|joblib|dill|torch\.load|allow_pickle=True|eval\(|exec\(|shell=True|yaml\.load\()"
    )
    # A benchmark reads the weights that OpenSoundscape wrote a moment before, in the only format that it writes.
    reads_its_own_file = ROOT / "workflow/scripts/hardneg/benchmarks/opensoundscape_training.py"
    paths = [*(ROOT / "workflow").rglob("*.py"), *(ROOT / "workflow").rglob("*.smk")]
    for path in set(paths) - {reads_its_own_file}:
        matches = [line for line in path.read_text().splitlines() if forbidden.search(line) and ".eval()" not in line]
        assert not matches, f"{path}: {matches}"


def test_jobs_without_networks_do_not_import_torch():
    """Importing torch takes longer than most of these jobs, and a changed network would make them run again."""
    scripts = [
        "merge_indexes",
        "rank_pool",
        "combine_scores",
        "find_near_duplicates",
        "audit",
        "assign_tier",
        "compare",
        "write_report",
    ]
    checks = [f"{_imports(script)}\nprint({script!r} * ('torch' in sys.modules), end=' ')" for script in scripts]
    completed = subprocess.run(
        [sys.executable, "-c", "\n".join(["import sys", *checks])],
        cwd=SCRIPTS, env={"PYTHONPATH": str(SCRIPTS)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert completed.stdout.split() == []


def _imports(script):
    lines = (SCRIPTS / f"{script}.py").read_text().splitlines()
    return "\n".join(line for line in lines if line.startswith(("import ", "from ")))
