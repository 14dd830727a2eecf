"""The folds of a rotation of sites: the configuration of each, and what they cost."""

import copy
import json
from pathlib import Path

import pandas as pd

from hardneg.configuration_rules import Config
from hardneg.experiments import matrix
from hardneg.recordings.rotation import Rotation

RUNS_FOLDER, MODEL = "runs", "model.json"


def configure_folds(config: Config, rotation: Rotation) -> dict[str, Config]:
    """Configure each fold: its sites are the out-of-distribution test, and its results have a folder of their fold.

    Recordings are checked, and features computed, once for all folds. So both lie in the folder that folds share.

    Parameters
    ----------
    config : the complete configuration of the rotation.

    Returns
    -------
    A configuration by the name of its module, which the names of its rules begin with.
    """
    configs = {}
    results = config["pathvars"]["results"]
    for name, sites in rotation.folds.items():
        fold = copy.deepcopy(dict(config))
        splits = {key: value for key, value in fold["splits"].items() if key != "rotate"}
        fold["splits"] = splits | {"ood_sites": sites, "as_fold": True}
        fold["pathvars"] = {"results": f"{results}/folds/{name}", "store": results}
        configs[f"at_{name}_"] = fold
    return configs


def describe_costs(config: Config, folds: dict[str, Config]) -> str:
    """Describe how many detectors the folds train, how many exist, and how long the others may take."""
    runs = len(matrix.expand(config["matrix"], config["leave_out"]))
    folders = [Path(fold["pathvars"]["results"]) for fold in folds.values()]
    done = sum(len(list((folder / RUNS_FOLDER).rglob(MODEL))) for folder in folders)
    missing = max(runs * len(folds) - done, 0)
    text = (
        f"{len(folds)} sites are held out in turn: {len(folds)} times {runs} trainings, of which {done} exist. "
        "Recordings are checked and features computed once for all."
    )
    seconds = [seconds for folder in folders for seconds in _read_seconds(folder / "benchmarks/train")]
    if seconds and missing:
        mean = sum(seconds) / len(seconds)
        text += f" The other {missing} take about {missing * mean / 60:.0f} minutes on one core, at {mean:.0f} s each."
    return text


def describe_left_out(rotation: Rotation) -> str:
    """Describe the sites that are never held out; empty if there are none."""
    if not rotation.left_out:
        return ""
    return (
        f"These sites are never held out, because a test of them would lack positives or negatives: "
        f"{', '.join(rotation.left_out)}."
    )


def _read_seconds(folder: Path) -> list[float]:
    """Read how long finished jobs took (s)."""
    lines = [line for path in sorted(folder.rglob("*.jsonl")) for line in path.read_text().splitlines() if line]
    return [float(json.loads(line)["s"]) for line in lines]


def list_fold_tables(folds: dict[str, Config]) -> pd.DataFrame:
    """List the results of each fold: ``fold, sites, deltas``, the last the path of its table of differences."""
    return pd.DataFrame(
        {
            "fold": list(folds),
            "sites": [" + ".join(fold["splits"]["ood_sites"]) for fold in folds.values()],
            "deltas": [f"{fold['pathvars']['results']}/deltas.csv" for fold in folds.values()],
        }
    )
