"""Compare the configuration that the report shows with the one that each run was made with."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hardneg.common import tables
from hardneg.experiments import matrix
from hardneg.experiments.run_description import LEFT_OUT

Config = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ConfigurationDifference:
    """A key whose value in runs is not the one of the configuration.

    Attributes
    ----------
    key : of the configuration.
    in_runs : the value that the runs were made with, as text.
    configured : the value of the configuration, as text.
    runs : number of runs with that value.
    """

    key: str
    in_runs: str
    configured: str
    runs: int


def find_differences(description_paths: Sequence[str], configuration: Config) -> list[ConfigurationDifference]:
    """Find the keys of windows, features and training in which runs differ from the configuration.

    Snakemake makes runs again when their settings change, so there are differences only if someone bypassed it.

    Parameters
    ----------
    description_paths : ``model.json`` of each run.
    configuration : the whole configuration.
    """
    counts: dict[tuple[str, str, str], int] = {}
    for path in description_paths:
        description = tables.read_json(path)
        if description.get(LEFT_OUT):
            continue
        for difference in _compare(description, configuration):
            counts[difference] = counts.get(difference, 0) + 1
    return [ConfigurationDifference(*difference, runs) for difference, runs in counts.items()]


def _compare(description: Config, configuration: Config) -> Iterator[tuple[str, str, str]]:
    """Yield the key and both values of each difference of one run."""
    training = matrix.resolve_training(configuration["matrix"], configuration["training"], description["run"])
    expected = {"windows": configuration["windows"], "features": configuration["features"], "training": training}
    actual = {**description["input"], "training": description["training"]}
    for section, settings in expected.items():
        for key in {**settings, **actual[section]}:
            values = [json.dumps(part.get(key), sort_keys=True) for part in (actual[section], settings)]
            if values[0] != values[1]:
                yield f"{section}.{key}", values[0], values[1]
