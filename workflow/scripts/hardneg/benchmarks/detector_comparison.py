"""Compare detectors that users could train instead, on the same splits of the real recordings.

``python -m hardneg.benchmarks.detector_comparison results/bench/detectors AUDIO`` writes ``detectors.md``. Every
detector trains on all labeled training windows, chooses by the validation files, and scores all files of the test
splits. Each uses one CPU thread, also for features. A measurement that exists already is kept, so a run that was
stopped continues.

- ``opensoundscape``: OpenSoundscape's CNN, a ResNet-18 with random initial weights and the library's preprocessing and
  augmentation, once with the weights of its best step and once with the last.
- ``cnn``: the network of ``config/anurans.yaml``.
- ``head``: the head on BirdNET's embeddings of ``config/anurans_birdnet.yaml``.
- ``logistic regression``: scikit-learn's, on the same embeddings.
"""

import argparse
import re
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path

import numpy as np
import yaml

from hardneg import configuration
from hardneg.benchmarks.compared_detectors import (
    Data,
    Duration,
    Measurement,
    measure_logistic_regression,
    measure_network,
    measure_opensoundscape,
    prepare_data,
)
from hardneg.common import provenance, tables, torch_device
from hardneg.common.files import write_text

DETECTORS = ("opensoundscape", "cnn", "head", "logistic regression")
SEEDS = (123, 456, 789)
SCHEMA = "workflow/schemas/config.schema.yaml"
SPECTROGRAMS, EMBEDDINGS = "anurans", "anurans_birdnet"
VALUES = [(split, metric) for split in ("test_ood", "test_iid") for metric in ("average_precision", "auroc")]


def measure_missing(
    folder: Path,
    detectors: Collection[str],
    measure: Callable[[str, int], list[Measurement]],
    seeds: Iterable[int] = SEEDS,
) -> None:
    """Measure each detector with each seed, unless its file exists, and write one JSON file for each measurement."""
    for seed in seeds:
        for detector in detectors:
            path = folder / f"{re.sub('[^a-z_]+', '-', detector)}-{seed}.json"
            if path.exists():
                continue
            tables.write_json({"measurements": [asdict(measured) for measured in measure(detector, seed)]}, path)


def read_measurements(folder: Path) -> list[Measurement]:
    """Read all measurements in a folder."""
    rows = [row for path in sorted(folder.glob("*.json")) for row in tables.read_json(path)["measurements"]]
    return [Measurement(**row | {"training": Duration(**row["training"])}) for row in rows]


def format_table(measurements: Sequence[Measurement]) -> str:
    """Format a Markdown table with a row for each detector, best OOD average precision first: means and ranges."""
    lines = [
        "| detector | OOD AP | OOD AUROC | IID AP | IID AUROC | training, CPU s | wall s | windows per CPU s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    groups: dict[str, list[Measurement]] = {}
    for measured in measurements:
        groups.setdefault(measured.detector, []).append(measured)

    def mean_ood_precision(runs: Sequence[Measurement]) -> float:
        return float(np.mean([run.ranking["test_ood"]["average_precision"] for run in runs]))

    for detector, runs in sorted(groups.items(), key=lambda group: -mean_ood_precision(group[1])):
        rankings = [format_range([run.ranking[split][metric] for run in runs]) for split, metric in VALUES]
        cpu_s, wall_s = (np.mean([getattr(run.training, field) for run in runs]) for field in ("cpu_s", "wall_s"))
        speed = np.mean([run.windows_per_cpu_s for run in runs])
        lines.append(f"| {detector} | {' | '.join(rankings)} | {cpu_s:.0f} | {wall_s:.0f} | {speed:,.0f} |")
    notes = [f"{run.detector}, seed {run.seed}: {run.note}" for run in measurements if run.note]
    return "\n".join([*lines, "", *(f"- {note}" for note in notes)]) + "\n"


def format_range(values: Sequence[float]) -> str:
    """Format a mean with the smallest and the largest value, or one number if they are equal."""
    mean, low, high = (f"{value:.3f}" for value in (np.mean(values), min(values), max(values)))
    return mean if low == high else f"{mean} ({low} to {high})"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is missing, and write the table."""
    parser = argparse.ArgumentParser(
        prog="python -m hardneg.benchmarks.detector_comparison", description=str(__doc__).splitlines()[0]
    )
    parser.add_argument("folder", type=Path, help="where to write")
    parser.add_argument("audio", help="folder of the recordings")
    parser.add_argument("--labelled", default="results/anurans/inputs/labelled.parquet", help="checked recordings")
    parser.add_argument("--detectors", nargs="+", choices=DETECTORS, default=DETECTORS, help="(default: all)")
    parser.add_argument("--steps", type=int, default=1000, help="of OpenSoundscape's training (default: its own)")
    parser.add_argument("--opensoundscape", type=Path, default=Path(".venv-opensoundscape/bin/python"))
    options = parser.parse_args(arguments)
    torch_device.select_device("cpu", 1)
    labelled = tables.read(options.labelled)

    @cache
    def prepare(name: str) -> Data:
        with open(f"config/{name}.yaml", encoding="utf-8") as file:
            config = configuration.complete(yaml.safe_load(file), SCHEMA)
        return prepare_data(config, labelled, options.audio, options.folder / name)

    def measure(detector: str, seed: int) -> list[Measurement]:
        print(f"{detector}, seed {seed}", file=sys.stderr, flush=True)
        if detector == "opensoundscape":
            data = prepare(SPECTROGRAMS)
            return measure_opensoundscape(data, options.audio, seed, options.steps, options.opensoundscape)
        if detector == "logistic regression":
            return [measure_logistic_regression(detector, prepare(EMBEDDINGS), seed)]
        return [measure_network(detector, prepare(SPECTROGRAMS if detector == "cnn" else EMBEDDINGS), seed)]

    measurements = options.folder / "measurements"
    measurements.mkdir(parents=True, exist_ok=True)
    measure_missing(measurements, options.detectors, measure)
    versions = ", ".join(f"{name} {version}" for name, version in provenance.collect_versions("cpu").items())
    table = f"{format_table(read_measurements(measurements))}\n{versions}\n"
    write_text(table, options.folder / "detectors.md")
    print(table, end="")


if __name__ == "__main__":
    main()
