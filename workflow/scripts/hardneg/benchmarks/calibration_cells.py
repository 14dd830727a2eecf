"""The cells of the calibration: designs of studies, each judged many times."""

import math
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from hardneg.benchmarks.permuted_studies import RealScores
from hardneg.benchmarks.simulated_studies import (
    MIN_FILES_PER_CLASS,
    SHARED,
    USUAL,
    NightDesign,
    StudyDesign,
    simulate_study,
)
from hardneg.benchmarks.studies import BASELINE, Study, judge_interaction, judge_study
from hardneg.models.metrics import LOWER_IS_BETTER, TEST_SPLIT_METRICS
from hardneg.statistics.comparison import StatisticsSettings
from hardneg.statistics.scored_files import ScoredFiles

PREVALENCES = (0.05, 0.15, 0.3, 0.5)
VALIDATION_PREVALENCE = 0.4
TEST_FILES_PER_NIGHT = 25
EFFECT_OF_INTEREST, FP_RATE_OF_INTEREST = 0.03, 20.0
COLUMNS = [
    "value",
    "metric",
    "difference",
    "ci_low",
    "ci_high",
    "standard_error",
    "p",
    "p_adjusted",
    "verdict",
    "reason",
]
# Internal validation takes a fifth of the labeled nights.
INTERNAL_NIGHTS = 5
# The four arms of a simulated study as a tier and its baseline, with each of two sets of positives.
OTHER_AXIS = "positive_subset"
ARMS_OF_INTERACTION = {
    BASELINE: (BASELINE, "fewer"),
    "tier 1": ("mined", "fewer"),
    "tier 2": (BASELINE, "more"),
    "tier 3": ("mined", "more"),
}
# What each arm but the first adds to the separation, in multiples of the effect. In the first two there is no
# interaction, because with an effect of one axis alone, the arms are exchangeable along the other.
INTERACTIONS = {"positives act": (0, 1, 1), "tier acts": (1, 0, 1), "tier acts with more": (0, 0, 1)}


@dataclass(frozen=True, slots=True)
class Cell:
    """One design of a study.

    Attributes
    ----------
    seeds : runs of each arm.
    validation_nights, validation_files : nights of the validation split, and files of a night on average.
    test_nights : nights of the test split.
    effect : what the first tier adds to the separation (logits). The second adds half, the third nothing.
    scores : folder of finished runs whose scores are permuted; empty for the simulation.
    shared : whether most of what differs between arms is shared by their seeds; see
        :data:`hardneg.benchmarks.simulated_studies.SHARED`.
    recorders : number of recorders that hear the same calls of a night and are taken for as many nights.
    internal : whether each seed draws its validation nights from :data:`INTERNAL_NIGHTS` times as many.
    interaction : one of :data:`INTERACTIONS`; empty to judge the tiers. `effect` is then that of the axis or axes.
    """

    seeds: int
    validation_nights: int
    validation_files: int
    test_nights: int
    effect: float = 0.0
    scores: str = ""
    shared: bool = False
    recorders: int = 1
    internal: bool = False
    interaction: str = ""

    @property
    def name(self) -> str:
        """Name of the file of results."""
        world = f"permuted-{zlib.crc32(self.scores.encode()):08x}" if self.scores else "simulated"
        world += "-shared" if self.shared else ""
        validation = f"{self.validation_nights}x{self.validation_files}"
        name = f"{world}-effect{self.effect:g}-seeds{self.seeds}-validation{validation}-test{self.test_nights}"
        name += f"-recorders{self.recorders}" if self.recorders > 1 else ""
        name += "-internal" if self.internal else ""
        return name + (f"-interaction-{self.interaction.replace(' ', '-')}" if self.interaction else "")


def make_settings(resamples: int) -> StatisticsSettings:
    """Make the settings of a study with the defaults of the configuration, except for the number of draws."""
    bounds = dict.fromkeys(TEST_SPLIT_METRICS, EFFECT_OF_INTEREST) | dict.fromkeys(LOWER_IS_BETTER, FP_RATE_OF_INTEREST)
    return StatisticsSettings(0.05, "holm", 0.8, resamples, bounds)


def run_study(cell: Cell, number: int, resamples: int) -> pd.DataFrame:
    """Make study `number` of a cell and judge it.

    In simulated studies, the share of test files with a call takes the values of :data:`PREVALENCES` in turn.

    Returns
    -------
    One row per tier and metric, with ``study``, ``prevalence`` (missing for permuted scores), :data:`COLUMNS`, and
    ``recommended``: whether the tier is recommended for any goal.
    """
    rng = np.random.default_rng([zlib.crc32(cell.name.encode()), number])
    prevalence = math.nan if cell.scores else PREVALENCES[number % len(PREVALENCES)]
    study = _make_study(cell, prevalence, rng)
    if cell.recorders > 1:
        study = split_nights(study, cell.recorders, rng)
    if cell.internal:
        study = replace(study, validation=draw_internal(study.validation, cell.validation_nights, rng))
    settings = make_settings(resamples)
    if cell.interaction:
        rows = judge_interaction(study, ARMS_OF_INTERACTION, OTHER_AXIS, settings)
        rows = rows.reindex(columns=COLUMNS).astype({"standard_error": float})
        return rows.assign(study=number, prevalence=prevalence, recommended=False)
    judged = judge_study(study, settings)
    recommended = {choice.tier for choice in judged.recommendation.choices if choice.tier}
    rows = judged.deltas[COLUMNS]
    return rows.assign(study=number, prevalence=prevalence, recommended=rows["value"].isin(recommended))


def _make_study(cell: Cell, prevalence: float, rng: np.random.Generator) -> Study:
    if cell.scores:
        scores = RealScores.read(cell.scores)
        return scores.permute(cell.seeds, cell.validation_nights, cell.test_nights, rng)
    first, second, third = INTERACTIONS.get(cell.interaction, (1, 0.5, 0))
    design = StudyDesign(
        cell.seeds,
        NightDesign(
            cell.validation_nights * (INTERNAL_NIGHTS if cell.internal else 1),
            cell.validation_files,
            VALIDATION_PREVALENCE,
        ),
        NightDesign(cell.test_nights, TEST_FILES_PER_NIGHT, prevalence),
        effects=(cell.effect * first, cell.effect * second, cell.effect * third),
    )
    return simulate_study(design, rng, SHARED if cell.shared else USUAL)


def split_nights(study: Study, recorders: int, rng: np.random.Generator) -> Study:
    """Divide the files of each night at random over recorders, each of which then counts as a night."""
    splits = []
    for runs in (study.validation, study.test):
        nights = next(iter(runs.values())).nights
        finer = pd.factorize(nights * recorders + rng.integers(0, recorders, len(nights)), sort=True)[0]
        splits.append({run: replace(files, nights=finer) for run, files in runs.items()})
    return Study(*splits)


def draw_internal(
    validation: Mapping[tuple[str, int], ScoredFiles], nights: int, rng: np.random.Generator
) -> dict[tuple[str, int], ScoredFiles]:
    """Draw the nights that each seed validates on, the same for all arms, with files of both classes."""
    files = next(iter(validation.values()))
    drawn = {}
    for seed in sorted({seed for _, seed in validation}):
        while True:
            chosen = np.isin(files.nights, rng.choice(files.nights.max() + 1, nights, replace=False))
            if MIN_FILES_PER_CLASS <= files.labels[chosen].sum() <= chosen.sum() - MIN_FILES_PER_CLASS:
                break
        drawn[seed] = chosen, pd.factorize(files.nights[chosen], sort=True)[0]
    return {
        (arm, seed): replace(
            run,
            labels=run.labels[drawn[seed][0]],
            confidences=run.confidences[drawn[seed][0]],
            nights=drawn[seed][1],
            hours=run.hours[drawn[seed][0]],
            night_set=f"validation of seed {seed}",
        )
        for (arm, seed), run in validation.items()
    }


def extend_cell(cell: Cell, studies: int, resamples: int, folder: Path) -> pd.DataFrame:
    """Run the studies of a cell that its file of results lacks, and return all its studies.

    Results are kept, so an interrupted calibration continues where it stopped.

    Parameters
    ----------
    studies : number of studies that the cell must have.
    folder : with one file of results per cell.
    """
    path = folder / f"{cell.name}.parquet"
    parts = [pd.read_parquet(path)] if path.exists() else []
    first = int(parts[0].study.max()) + 1 if parts else 0
    new = [run_study(cell, number, resamples) for number in range(first, studies)]
    if new:
        parts.append(pd.concat(new))
        folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        pd.concat(parts, ignore_index=True).to_parquet(partial)
        partial.replace(path)
    table = pd.read_parquet(path)
    return table[table.study < studies]


def rounds_of(studies: int, step: int) -> Iterator[int]:
    """Yield the numbers of studies that all cells reach together. An interrupted grid is then complete but coarse."""
    yield from range(step, studies, step)
    yield studies
