"""Run the workflow again and again, with more seeds for what is open, until the verdicts are decided."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from hardneg import configuration
from hardneg.common import tables
from hardneg.common.errors import InputError
from hardneg.experiments import matrix
from hardneg.experiments.added_seeds import read_added_seeds, select_added_runs, write_added_seeds
from hardneg.report.questions import HEADLINES
from hardneg.statistics.next_look import NextLook, format_next_look, plan_next_look
from hardneg.statistics.sequential import plan_looks

SCHEMA = Path(__file__).parents[2] / "schemas" / "config.schema.yaml"


def decide(configfile: str, arguments: Sequence[str], only_plan: bool = False) -> None:
    """Look at the verdicts at each planned number of seeds, and add seeds to the arms that are open because of them.

    Parameters
    ----------
    configfile : the configuration, with the block ``decide``.
    arguments : further arguments for Snakemake.
    only_plan : only print what the next look would add.

    Raises
    ------
    InputError
        If the configuration has no block ``decide``, or a run fails.
    """
    config = _read_config(configfile)
    results = config["pathvars"]["results"]
    runs: list[dict[str, str]] = matrix.expand(config["matrix"], config["leave_out"]).to_dict("records")
    looks = plan_looks(len(config["matrix"]["seed"]), config["decide"]["seeds_at_most"])
    axes = matrix.order_axes(config["matrix"])
    while True:
        if not only_plan:
            _run_workflow(configfile, arguments)
        deltas_path = Path(results, "deltas.csv")
        if not deltas_path.is_file():
            raise InputError(f"{deltas_path} does not exist: run the workflow first.")
        added = select_added_runs(read_added_seeds(results, axes), runs)
        look = _find_look(looks, runs, added)
        plan = plan_next_look(tables.read(deltas_path), HEADLINES, looks, look, [*runs, *added])
        print(f"Look {look + 1} of at most {len(looks)}: {format_next_look(plan, _measure_seconds(results))}")
        if only_plan or not plan.runs:
            _print_rest(plan)
            return
        write_added_seeds(results, [*added, *plan.runs])


def _read_config(configfile: str) -> dict[str, Any]:
    try:
        raw = yaml.safe_load(Path(configfile).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise InputError(f"{configfile} cannot be read: {error}. Correct --configfile.") from error
    config = configuration.complete(raw, SCHEMA)
    if "decide" not in config:
        raise InputError(
            f"{configfile} has no block decide: add, for example, decide: {{seeds_at_most: 12}}. It must be there from "
            "the first look on, because verdicts share their level over the looks."
        )
    return config


def _run_workflow(configfile: str, arguments: Sequence[str]) -> None:
    command = [sys.executable, "-m", "snakemake", "--configfile", configfile, *arguments]
    if not any(argument.split("=")[0] in ("--cores", "-c", "--jobs", "-j", "--profile") for argument in arguments):
        command += ["--cores", str(os.cpu_count() or 1)]
    if subprocess.run(command, check=False).returncode:  # noqa: S603, the command is our own
        raise InputError("the workflow stopped. Its messages are above. After the correction, run this command again.")


def _find_look(looks: Sequence[int], runs: Sequence[dict[str, str]], added: Sequence[dict[str, str]]) -> int:
    """Find which look the results are at, from the largest number of seeds of an arm."""
    counts: dict[tuple[str, ...], int] = {}
    for run in (*runs, *added):
        arm = tuple(value for axis, value in run.items() if axis != "seed")
        counts[arm] = counts.get(arm, 0) + 1
    return max(sum(look <= max(counts.values()) for look in looks) - 1, 0)


def _measure_seconds(results: str) -> float | None:
    """Measure how long a training took on average (s); None if none was timed."""
    lines = [
        line for path in Path(results, "benchmarks/train").rglob("*.jsonl") for line in path.read_text().splitlines()
    ]
    seconds = [float(json.loads(line)["s"]) for line in lines if line]
    return sum(seconds) / len(seconds) if seconds else None


def _print_rest(plan: NextLook) -> None:
    if plan.open_with_nights:
        print("No number of seeds would decide:\n" + "\n".join(f"  {line}" for line in plan.open_with_nights))
