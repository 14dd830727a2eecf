"""Make studies without an effect from the stored scores of finished runs.

The scores keep what a simulation cannot know: how real nights, calls and trainings depend on each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from hardneg.benchmarks.studies import BASELINE, Study
from hardneg.common.errors import InputError
from hardneg.statistics.scored_files import ScoredFiles

FloatArray = npt.NDArray[np.float32]
MAX_ARMS = 4
MAX_DRAWS = 1000


@dataclass(frozen=True, slots=True)
class ScoredNight:
    """The files of one recorder-night.

    Attributes
    ----------
    labels, hours : shape (files,).
    confidences : of each run; shape (arms, seeds, files).
    """

    labels: npt.NDArray[np.int64]
    hours: npt.NDArray[np.float64]
    confidences: FloatArray


@dataclass(frozen=True, slots=True)
class RealScores:
    """Scores of finished runs that differ in the tier and in the seed.

    Attributes
    ----------
    validation, test : nights of the two splits.
    """

    validation: list[ScoredNight]
    test: list[ScoredNight]

    @staticmethod
    @cache
    def read(folder: str) -> "RealScores":
        """Read the runs under a folder, such as ``results/runs/positive_subset~base``.

        The folder must contain runs of the same files: at least two tiers, each with the same seeds. The first four
        tiers are used. The out-of-distribution test is used if there is one.
        """
        tables = {path: pd.read_parquet(path) for path in sorted(Path(folder).rglob("scores.parquet"))}
        runs = {_name_run(path): table for path, table in tables.items()}
        arms = sorted({arm for arm, _ in runs})[:MAX_ARMS]
        seeds = sorted({seed for _, seed in runs})
        missing = [f"{arm}, seed {seed}" for arm in arms for seed in seeds if (arm, seed) not in runs]
        if len(arms) < 2 or missing:
            raise InputError(
                f"{folder}: needs runs of at least two tiers with the same seeds. "
                f"Missing: {'; '.join(missing) or 'tiers'}."
            )
        ordered = [[runs[arm, seed] for seed in seeds] for arm in arms]
        test = "test_ood" if "test_ood" in set(ordered[0][0].split) else "test_iid"
        return RealScores(_split_nights(ordered, "val"), _split_nights(ordered, test))

    def permute(self, seeds: int, validation_nights: int, test_nights: int, rng: np.random.Generator) -> Study:
        """Draw nights with replacement, and permute the arms of each drawn night at random.

        All files and all seeds of a night are permuted together. No arm is better than another on the average night,
        while every night keeps its difficulty, and every pair of arms its differences on that night.

        Parameters
        ----------
        seeds : drawn without replacement; all of them if there are fewer.
        """
        _, available, _ = self.test[0].confidences.shape
        chosen = rng.choice(available, size=min(seeds, available), replace=False)
        return Study(
            _permute_split(self.validation, validation_nights, chosen, rng, "validation"),
            _permute_split(self.test, test_nights, chosen, rng, "test"),
        )


def _name_run(path: Path) -> tuple[str, str]:
    values = dict(part.split("~", 1) for part in path.parent.parts if "~" in part)
    return values["negative_tier"], values["seed"]


def _split_nights(runs: list[list[pd.DataFrame]], split: str) -> list[ScoredNight]:
    parts = [
        [run[run.split == split].sort_values("file_path").reset_index(drop=True) for run in of_arm] for of_arm in runs
    ]
    first = parts[0][0]
    if any(list(part.file_path) != list(first.file_path) for of_arm in parts for part in of_arm):
        raise InputError(f"the runs have different files in the split {split}. Use runs of one validation scheme.")
    confidences = np.array([[part.confidence.to_numpy(np.float32) for part in of_arm] for of_arm in parts])
    return [
        ScoredNight(
            first.label.to_numpy(np.int64)[rows], first.duration_s.to_numpy()[rows] / 3600, confidences[:, :, rows]
        )
        for rows in first.groupby("group", sort=True).indices.values()
    ]


def _permute_split(
    nights: list[ScoredNight], count: int, seeds: npt.NDArray[np.int64], rng: np.random.Generator, name: str
) -> Mapping[tuple[str, int], ScoredFiles]:
    for _ in range(MAX_DRAWS):
        drawn = [nights[index] for index in rng.integers(0, len(nights), count)]
        labels = np.concatenate([night.labels for night in drawn])
        if 0 < labels.sum() < len(labels):
            break
    else:
        raise InputError(f"{name}: {count} nights never contain both classes. Use more nights.")
    arms = len(nights[0].confidences)
    permuted = [night.confidences[rng.permutation(arms)][:, seeds] for night in drawn]
    confidences = np.concatenate(permuted, axis=2)
    number = np.repeat(np.arange(count), [len(night.labels) for night in drawn])
    hours = np.concatenate([night.hours for night in drawn])
    names = [BASELINE, *(f"tier {arm}" for arm in range(1, arms))]
    return {
        (arm, seed): ScoredFiles(labels, confidences[row, seed], number, hours, np.nan, night_set=name)
        for row, arm in enumerate(names)
        for seed in range(len(seeds))
    }
