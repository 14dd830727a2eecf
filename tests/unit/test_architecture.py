"""The arrows between the packages, and what jobs without networks may import."""

import ast
import subprocess
import sys

import pytest
from paths import PACKAGE, SCRIPTS

# Each package imports only packages above it.
ORDER = [
    "common", "audio", "recordings", "synthetic", "features", "models", "mining", "audit", "review", "experiments",
    "statistics", "report", "export",
]  # fmt: skip
TOP = {"__init__", "__main__", "configuration", "configuration_rules", "configuration_table", "deciding"}
TOP |= {"planning", "benchmarks"}
WITHOUT_NETWORKS = [
    "assign_tier", "audit", "check_inputs", "check_shard", "collect_runs", "combine_scores", "compare",
    "compare_finished", "compare_rounds", "cut_clips", "draw_figures", "gather_recordings", "generate_soundscapes",
    "judge_claims", "merge_indexes", "compare_effects", "rank_pool", "score_detections", "select_positives",
    "compare_sites", "measure_calls", "measure_memorization", "write_sites", "tabulate_nights", "trace_number", "verify", "write_first_look", "write_report", "write_review",
]  # fmt: skip


def imported(path):
    """Every dotted name that a module imports from this package."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("hardneg."))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "hardneg":
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_every_package_has_its_place_in_the_order():
    assert {room(path) for path in PACKAGE.rglob("*.py")} == {*ORDER, *TOP}


@pytest.mark.parametrize("package", ORDER)
def test_a_package_imports_only_packages_above_it(package):
    allowed = set(ORDER[: ORDER.index(package) + 1])
    wrong = {
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in (PACKAGE / package).rglob("*.py")
        for name in imported(path)
        if name.split(".")[1] not in allowed and name != "hardneg.__version__"
    }
    assert not wrong


def test_nothing_but_benchmarks_imports_benchmarks():
    wrong = [
        f"{path.relative_to(SCRIPTS)} imports {name}"
        for path in SCRIPTS.rglob("*.py")
        if path.parent.name != "benchmarks"
        for name in imported(path)
        if name.startswith("hardneg.benchmarks")
    ]
    assert not wrong


def test_only_the_rules_import_the_planning():
    wrong = [
        f"{path.relative_to(SCRIPTS)} imports {name}"
        for path in SCRIPTS.rglob("*.py")
        if path.parent.name != "planning"
        for name in imported(path)
        if name.startswith("hardneg.planning")
    ]
    assert not wrong


def test_the_planning_imports_no_torch():
    code = "import sys; from hardneg.planning import plan; print('torch' in sys.modules)"
    printed = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(SCRIPTS)}, capture_output=True, text=True, check=True
    )
    assert printed.stdout.strip() == "False"


@pytest.mark.parametrize("package", ORDER)
def test_packages_have_an_empty_init(package):
    assert (PACKAGE / package / "__init__.py").read_text() == ""


@pytest.mark.parametrize("job", WITHOUT_NETWORKS)
def test_a_job_without_networks_imports_no_torch(job):
    lines = [
        ast.unparse(node)
        for node in ast.parse((SCRIPTS / f"{job}.py").read_text()).body
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    code = ";".join([*lines, "import sys; print('torch' in sys.modules)"])
    printed = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(SCRIPTS)}, capture_output=True, text=True, check=True
    )
    assert printed.stdout.strip() == "False"
