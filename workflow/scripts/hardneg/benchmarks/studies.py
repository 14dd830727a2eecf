"""Studies whose true effect is known, in the form in which the workflow judges real ones."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd

from hardneg.experiments.night_tables import tabulate_nights
from hardneg.models.metrics import measure_at_threshold, measure_ranking
from hardneg.models.thresholds import HIGHEST_F1, choose_threshold
from hardneg.report.recommendation import Recommendation, recommend
from hardneg.statistics.comparison import StatisticsSettings, compare_runs
from hardneg.statistics.interactions import estimate_interactions
from hardneg.statistics.run_pairs import Comparison
from hardneg.statistics.scored_files import ScoredFiles

AXIS, BASELINE = "negative_tier", "none"
SPLIT = "test_ood"
FILES_PER_NIGHT, REVIEW_S = 100, 10.0
MAX_RECALL_LOSS = 0.05


@dataclass(frozen=True, slots=True)
class Study:
    """Scores of the runs of one study: one run per arm and seed, on the same files.

    Attributes
    ----------
    validation, test : the scores of each run, by arm and seed.
    """

    validation: Mapping[tuple[str, int], ScoredFiles]
    test: Mapping[tuple[str, int], ScoredFiles]


@dataclass(frozen=True, slots=True)
class JudgedStudy:
    """A study after ``compare`` and ``recommend``.

    Attributes
    ----------
    deltas : see :class:`hardneg.statistics.comparison.ComparedRuns`.
    recommendation : see :func:`hardneg.report.recommendation.recommend`.
    """

    deltas: pd.DataFrame
    recommendation: Recommendation


def judge_study(study: Study, settings: StatisticsSettings) -> JudgedStudy:
    """Judge a study as the workflow judges a real one.

    Each run chooses its threshold on its validation files. All tiers are compared with the arm without mined negatives,
    and one is recommended for each goal, or none.
    """
    runs, table = _choose_thresholds(study)
    deltas = compare_runs(
        table,
        [Comparison(AXIS, BASELINE)],
        [AXIS],
        settings,
        lambda run, _: runs[run[AXIS], run["seed"]],
    ).deltas
    nights = tabulate_nights(table, [AXIS], FILES_PER_NIGHT, [5], REVIEW_S)
    recommendation = recommend(deltas, table, nights, BASELINE, MAX_RECALL_LOSS, {})
    if recommendation is None:
        raise ValueError(f"the study has no arm {BASELINE!r}, or no other arm")
    return JudgedStudy(deltas, recommendation)


def judge_interaction(
    study: Study, arms: Mapping[str, tuple[str, str]], other_axis: str, settings: StatisticsSettings
) -> pd.DataFrame:
    """Judge whether the effect of a tier depends on another axis, as the workflow does in a real study.

    Parameters
    ----------
    arms : the tier and the value of the other axis that each arm of the study stands for.

    Returns
    -------
    See :func:`hardneg.statistics.interactions.estimate_interactions`.
    """
    runs, table = _choose_thresholds(study)
    by_axes = {(*arms[arm], seed): scores for (arm, seed), scores in runs.items()}
    table[other_axis] = [arms[arm][1] for arm in table[AXIS]]
    table[AXIS] = [arms[arm][0] for arm in table[AXIS]]
    return estimate_interactions(
        table,
        Comparison(AXIS, BASELINE),
        [AXIS, other_axis],
        settings,
        lambda run, _: by_axes[run[AXIS], run[other_axis], run["seed"]],
    )


def _choose_thresholds(study: Study) -> tuple[dict[tuple[str, str], ScoredFiles], pd.DataFrame]:
    """Choose each run's threshold; return its test files by arm and seed, and one row per run and split."""
    runs, rows = {}, []
    for (arm, seed), files in study.test.items():
        validation = study.validation[arm, seed]
        threshold = choose_threshold(validation.labels, validation.confidences)
        frozen = replace(validation, threshold=threshold)
        runs[arm, str(seed)] = replace(files, threshold=threshold, validation=frozen, rule=HIGHEST_F1)
        for split, scores in (("val", frozen), (SPLIT, runs[arm, str(seed)])):
            rows.append({AXIS: arm, "seed": seed, "split": split, **_measure(scores)})
    return runs, pd.DataFrame(rows)


def _measure(scores: ScoredFiles) -> dict[str, float]:
    recorded_s = float(np.sum(scores.hours)) * 3600
    at_threshold = measure_at_threshold(scores.labels, scores.confidences, scores.threshold, recorded_s)
    return asdict(measure_ranking(scores.labels, scores.confidences)) | asdict(at_threshold)
