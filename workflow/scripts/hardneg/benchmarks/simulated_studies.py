"""Simulate studies from a model of calls, recorders, nights and trainings.

The model knows nothing of the inference that it tests. Its strengths describe what differs between the recordings and
trainings of a real study.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from hardneg.benchmarks.studies import BASELINE, Study
from hardneg.statistics.scored_files import ScoredFiles

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

TIERS = ("tier 1", "tier 2", "tier 3")
ARMS = (BASELINE, *TIERS)
FILE_HOURS = 5 / 3600
MIN_FILES_PER_NIGHT = 2
MIN_FILES_PER_CLASS = 2


@dataclass(frozen=True, slots=True)
class Strengths:
    """How strongly the parts of the model act on the score of a file, in logits.

    Attributes
    ----------
    separation : mean distance between loud calls and files without calls.
    faint_share, faint, loud : share of faint calls, and what faint and loud calls add to the separation on average.
    loudness : standard deviation among faint calls, and among loud calls.
    chorus : standard deviation over nights of the loudness of all calls of a night.
    site, night, file : what all runs share: a site, a recorder-night, a file. Nights have heavy tails.
    confuser_share, confuser : share of files without calls that contain a similar sound, and what it adds. Such sounds
        come together on some nights.
    arm_night, arm_file : what all seeds of an arm share. Nights have heavy tails.
    arm_offset : what an arm adds to all files.
    seed_separation : over seeds, shared by the arms, because they share initial weights and labeled windows.
    run_separation, run_offset, run_scale : of one run.
    run_night, run_file : of one run on a night, with heavy tails, and on a file.
    tail_df : degrees of freedom of Student's t for the parts with heavy tails.
    """

    separation: float = 2.6
    faint_share: float = 0.4
    faint: float = -1.4
    loud: float = 0.4
    loudness: float = 0.6
    chorus: float = 0.4
    site: float = 0.3
    night: float = 0.3
    file: float = 0.7
    confuser_share: float = 0.05
    confuser: float = 1.8
    arm_night: float = 0.2
    arm_file: float = 0.35
    arm_offset: float = 0.2
    seed_separation: float = 0.1
    run_separation: float = 0.12
    run_offset: float = 0.25
    run_scale: float = 0.1
    run_night: float = 0.15
    run_file: float = 0.4
    tail_df: float = 3.0


USUAL = Strengths()
# Arms that differ far more from night to night and from file to file than their seeds do.
SHARED = Strengths(
    arm_night=0.4, arm_file=0.6, run_separation=0.05, run_offset=0.1, run_scale=0.05, run_night=0.08, run_file=0.2
)


@dataclass(frozen=True, slots=True)
class NightDesign:
    """Files and nights of a split.

    Attributes
    ----------
    nights : number of recorder-nights.
    files_per_night : mean; nights are unequal.
    prevalence : expected share of files with a call. Calls cluster on some nights.
    sites : the nights are spread over them.
    """

    nights: int
    files_per_night: float
    prevalence: float
    sites: int = 3


@dataclass(frozen=True, slots=True)
class StudyDesign:
    """Design of a study with four arms.

    Attributes
    ----------
    seeds : runs of each arm.
    validation, test : their nights.
    effects : what each tier adds to the separation (logits); zeros for none.
    """

    seeds: int
    validation: NightDesign
    test: NightDesign
    effects: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class _Training:
    """What a training does to the scores of every split; arrays of shape (arms, seeds, 1)."""

    separation: FloatArray
    offset: FloatArray
    scale: FloatArray


def simulate_study(design: StudyDesign, rng: np.random.Generator, strengths: Strengths = USUAL) -> Study:
    """Simulate the scores of a study: four arms, each trained with the same seeds.

    Without effects, the arms are exchangeable: no arm is better than another on the average night.
    """
    parts = strengths
    shape = len(ARMS), design.seeds, 1
    training = _Training(
        separation=parts.separation
        + np.array([0.0, *design.effects])[:, None, None]
        + parts.seed_separation * rng.standard_normal((1, design.seeds, 1))
        + parts.run_separation * rng.standard_normal(shape),
        offset=parts.arm_offset * rng.standard_normal((len(ARMS), 1, 1))
        + parts.run_offset * rng.standard_normal(shape),
        scale=np.exp(parts.run_scale * rng.standard_normal(shape)),
    )
    validation = _simulate_split(design.validation, training, rng, parts, "validation")
    return Study(validation, _simulate_split(design.test, training, rng, parts, "test"))


def draw_files(design: NightDesign, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Draw the files of a split: unequal nights, and calls that cluster on some of them.

    The number of files of a night is log-normal. The share of files with a call is beta distributed over nights, with a
    peak at none.

    Returns
    -------
    Labels and numbers of the nights, both of shape (files,).
    """
    while True:
        size = rng.lognormal(-0.25, 0.7, design.nights) * design.files_per_night
        night = np.repeat(np.arange(design.nights), np.maximum(size.round().astype(int), MIN_FILES_PER_NIGHT))
        calling = rng.beta(1.5 * design.prevalence, 1.5 * (1 - design.prevalence), design.nights)
        labels = (rng.random(len(night)) < calling[night]).astype(np.int64)
        if MIN_FILES_PER_CLASS <= labels.sum() <= len(labels) - MIN_FILES_PER_CLASS:
            return labels, night


def _simulate_split(
    design: NightDesign, training: _Training, rng: np.random.Generator, parts: Strengths, name: str
) -> dict[tuple[str, int], ScoredFiles]:
    labels, night = draw_files(design, rng)
    files, nights = len(labels), design.nights
    arms, seeds = training.scale.shape[:2]
    site = rng.integers(0, design.sites, nights)
    faint = rng.random(files) < parts.faint_share
    loudness = np.where(faint, parts.faint, parts.loud) + parts.loudness * rng.standard_normal(files)
    loudness += parts.chorus * rng.standard_normal(nights)[night]
    confusers = rng.beta(0.3, 0.3 * (1 / parts.confuser_share - 1), nights)[night]
    shared = (
        parts.site * rng.standard_normal(design.sites)[site][night]
        + parts.night * rng.standard_t(parts.tail_df, nights)[night]
        + parts.file * rng.standard_normal(files)
        + parts.confuser * ((rng.random(files) < confusers) & (labels == 0))
    )
    of_arm = parts.arm_night * rng.standard_t(parts.tail_df, (arms, 1, nights))[:, :, night]
    of_arm += parts.arm_file * rng.standard_normal((arms, 1, files))
    of_run = parts.run_night * rng.standard_t(parts.tail_df, (arms, seeds, nights))[:, :, night]
    of_run += parts.run_file * rng.standard_normal((arms, seeds, files))
    logits = labels * (training.separation + loudness) + shared + of_arm + of_run
    confidences = expit(training.scale * (logits - parts.separation / 2) + training.offset).astype(np.float32)
    hours = np.full(files, FILE_HOURS)
    return {
        (arm, seed): ScoredFiles(labels, confidences[row, seed], night, hours, np.nan, night_set=name)
        for row, arm in enumerate(ARMS)
        for seed in range(seeds)
    }
