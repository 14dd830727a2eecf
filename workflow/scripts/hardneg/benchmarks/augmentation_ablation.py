"""Train the CNN with each change of spectrograms alone, with none and with all, on the real recordings.

``python -m hardneg.benchmarks.augmentation_ablation results/bench/augmentation AUDIO`` writes ``augmentation.md``. The
detectors train on all labeled training windows without mined negatives, and score all files of the test splits. A
measurement that exists already is kept, so a run that was stopped continues.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import yaml

from hardneg import configuration
from hardneg.benchmarks.compared_detectors import Data, Measurement, measure_network, prepare_data
from hardneg.benchmarks.detector_comparison import (
    SCHEMA,
    SPECTROGRAMS,
    format_table,
    measure_missing,
    read_measurements,
)
from hardneg.common import tables, torch_device
from hardneg.common.files import write_text
from hardneg.models.training_settings import NO_AUGMENTATION, override

SEEDS = (123, 456, 789, 1011, 1213)
CHANGES = {
    "time shift": ("time_shift",),
    "frequency shift": ("frequency_shift",),
    "masks": ("time_mask", "frequency_mask"),
    "tilt": ("tilt_db",),
    "gain": ("gain_db",),
}


def list_variants(training: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """List the settings to compare, by name.

    Parameters
    ----------
    training : the block of the configuration, with the augmentation that the workflow uses. Its ``weak_labels`` and
        ``background`` are set to ``all`` and ``none`` in all variants that do not name them.
    """
    strengths = {**training["augmentation"], "background": "none"}
    usual = override(training, {"weak_labels": "all", "augmentation": strengths})
    variants = {"none": override(usual, {"augmentation": asdict(NO_AUGMENTATION)})}
    for name, keys in CHANGES.items():
        variants[f"{name} alone"] = override(variants["none"], {"augmentation": {key: strengths[key] for key in keys}})
        variants[f"all but {name}"] = override(usual, {"augmentation": dict.fromkeys(keys, 0.0)})
    return variants | {
        "all": usual,
        "all, background of labeled negatives": override(usual, {"augmentation": {"background": "labelled"}}),
        "all, best epoch": override(usual, {"keep_epoch": "best", "ema": 0}),
        "all, weak_labels: max": override(usual, {"weak_labels": "max"}),
        "all, weak_labels: two_pass": override(usual, {"weak_labels": "two_pass"}),
        "none, weak_labels: two_pass": override(variants["none"], {"weak_labels": "two_pass"}),
    }


def measure_variant(name: str, training: Mapping[str, Any], data: Data, seed: int) -> Measurement:
    """Train and score one variant."""
    return measure_network(name, replace(data, config={**data.config, "training": training}), seed)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is missing, and write the table."""
    parser = argparse.ArgumentParser(
        prog="python -m hardneg.benchmarks.augmentation_ablation", description=str(__doc__).splitlines()[0]
    )
    parser.add_argument("folder", type=Path, help="where to write")
    parser.add_argument("audio", help="folder of the recordings")
    parser.add_argument("--labelled", default="results/anurans/inputs/labelled.parquet", help="checked recordings")
    parser.add_argument("--config", default=f"config/{SPECTROGRAMS}.yaml", help="configuration (default: %(default)s)")
    options = parser.parse_args(arguments)
    torch_device.select_device("cpu", 1)
    with open(options.config, encoding="utf-8") as file:
        config = configuration.complete(yaml.safe_load(file), SCHEMA)
    data = prepare_data(config, tables.read(options.labelled), options.audio, options.folder / SPECTROGRAMS)
    variants = list_variants(config["training"])

    def measure(name: str, seed: int) -> list[Measurement]:
        print(f"{name}, seed {seed}", file=sys.stderr, flush=True)
        return [measure_variant(name, variants[name], data, seed)]

    measurements = options.folder / "measurements"
    measurements.mkdir(parents=True, exist_ok=True)
    measure_missing(measurements, list(variants), measure, SEEDS)
    table = format_table(read_measurements(measurements))
    write_text(table, options.folder / "augmentation.md")
    print(table, end="")


if __name__ == "__main__":
    main()
