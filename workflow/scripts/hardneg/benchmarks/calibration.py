"""Test the verdicts on simulated studies whose true effect is known.

``python -m hardneg.benchmarks.calibration OUT.md`` writes the table of docs/understanding/statistics.md.
"""

import argparse
import itertools
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from hardneg.common.files import write_text
from hardneg.common.log import track_progress
from hardneg.models.metrics import METRICS
from hardneg.statistics import paired_tests
from hardneg.statistics.bootstrap import two_way_bootstrap
from hardneg.statistics.scored_files import ScoredFiles

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

NIGHTS, FILES_PER_NIGHT, FILE_HOURS = 40, 10, 3 / 3600
# In logits. The separation is the mean distance between positives and negatives; the others are standard deviations.
SEPARATION, SEED_SD, NIGHT_SD, NOISE_SD, THRESHOLD_SD = 2.2, 0.12, 0.5, 0.6, 0.15
TIER_NIGHT_SD, RUN_NIGHT_SD = 0.5, 0.25
SHOWN_METRICS = ("average_precision", "f1", "recall")
VERDICTS = ("improves", "hurts", "no effect larger than d")


def simulate_run(
    rng: np.random.Generator, shared: FloatArray, labels: IntArray, nights: IntArray, separation: float
) -> ScoredFiles:
    """Simulate the scores of one training on a test set.

    The logit of a file is the sum of three parts. The first is the run's separation times the label. All runs of the
    arm share the second (`shared`), which depends on the file and its night. The third is particular to this run, on
    this night and this file. The threshold is half the separation, with an error.

    Parameters
    ----------
    labels : 1 or 0, shape (files,).
    nights : number of each file's night, shape (files,).
    separation : of the arm, in logits.
    """
    run_separation = separation + SEED_SD * rng.standard_normal()
    by_night = RUN_NIGHT_SD * rng.standard_normal(int(nights.max()) + 1)
    logits = run_separation * labels + shared + by_night[nights] + NOISE_SD * rng.standard_normal(len(labels))
    threshold = 1 / (1 + np.exp(-(separation / 2 + THRESHOLD_SD * rng.standard_normal())))
    return ScoredFiles(labels, 1 / (1 + np.exp(-logits)), nights, np.full(len(labels), FILE_HOURS), threshold)


def simulate_study(
    rng: np.random.Generator,
    seeds: int,
    effect: float,
    calling: float = 1.0,
    nights: int = NIGHTS,
    files_per_night: int = FILES_PER_NIGHT,
) -> tuple[list[ScoredFiles], list[ScoredFiles]]:
    """Simulate runs with and without a tier on one test set.

    The tier adds `effect` to the separation. It also suits some nights better than others, equally for all of its
    seeds. More seeds do not average that away, so the spread between seeds alone understates the uncertainty.

    Parameters
    ----------
    seeds : runs of each arm.
    effect : in logits; 0 for none.
    calling : share of the nights with positives.

    Returns
    -------
    The runs with the tier and those without.
    """
    night = np.repeat(np.arange(nights), files_per_night)
    labels = rng.integers(0, 2, len(night)) * (night < round(calling * nights))
    shared = (NIGHT_SD * rng.standard_normal(nights))[night] + NOISE_SD * rng.standard_normal(len(night))

    def simulate_arm(separation: float) -> list[ScoredFiles]:
        shared_by_arm = shared + (TIER_NIGHT_SD * rng.standard_normal(nights))[night]
        return [simulate_run(rng, shared_by_arm, labels, night, separation) for _ in range(seeds)]

    return simulate_arm(SEPARATION + effect), simulate_arm(SEPARATION)


def measure_true_differences(effect: float, calling: float = 1.0, studies: int = 40, seed: int = 1) -> dict[str, float]:
    """Measure the true difference in each metric: the mean over large test sets and many seeds."""
    rng = np.random.default_rng(seed)
    results = [
        two_way_bootstrap(*simulate_study(rng, 10, effect, calling, nights=400), resamples=2) for _ in range(studies)
    ]
    return {metric: float(np.mean([result[metric].estimate.difference for result in results])) for metric in METRICS}


def judge_study(
    study: int, seeds: int, effect: float, calling: float, bound: float, resamples: int
) -> list[dict[str, object]]:
    """Simulate study number `study` and judge it as the workflow judges a real one, as the only one of its family.

    Returns
    -------
    ``metric, verdict, low, high`` of each metric; the last two are the ends of the interval.
    """
    rng = np.random.default_rng([study, seeds, round(1000 * effect), round(1000 * calling)])
    results = two_way_bootstrap(*simulate_study(rng, seeds, effect, calling), resamples, seed=study)
    rows: list[dict[str, object]] = []
    for metric, result in results.items():
        estimate = result.estimate
        verdict = paired_tests.decide_verdict(estimate, estimate.p, bound)
        rows.append({"metric": metric, "verdict": verdict, "low": estimate.low, "high": estimate.high})
    return rows


def calibrate(
    studies: int,
    seeds: Sequence[int],
    effects: Sequence[float],
    calling: Sequence[float],
    bound: float,
    resamples: int,
    workers: int,
) -> pd.DataFrame:
    """Simulate studies and count their verdicts, and how often the intervals cover the true difference.

    Parameters
    ----------
    studies : number of studies of each kind.
    seeds : numbers of seeds to try.
    effects : planted effects (logits); 0 for none.
    calling : shares of the nights with positives.
    bound : the effect of interest, in the unit of the metric.
    workers : processes.

    Returns
    -------
    One row per share of nights, effect, number of seeds and metric: the true difference; the share of studies with the
    verdict *improves*, *hurts*, either, and *no effect*; the share whose interval covers the true difference; and the
    95 % limits of each share (C. J. Clopper and E. S. Pearson, *Biometrika* 26, 1934).
    """
    rows = []
    for share, effect in itertools.product(calling, effects):
        truth = measure_true_differences(effect, share) if effect else dict.fromkeys(METRICS, 0.0)
        for count in seeds:
            judge = partial(judge_study, seeds=count, effect=effect, calling=share, bound=bound, resamples=resamples)
            with ProcessPoolExecutor(workers) as pool:
                task = f"{100 * share:g} % of nights, effect {effect:g}, {count} seeds"
                judged = track_progress(pool.map(judge, range(studies), chunksize=8), studies, task)
                results = pd.DataFrame([row for study in judged for row in study])
            for metric in SHOWN_METRICS:
                kind = {"calling": share, "effect": effect, "seeds": count, "metric": metric, "studies": studies}
                rows.append(kind | _summarize(results[results.metric == metric], truth[metric]))
    return pd.DataFrame(rows)


def format_markdown(table: pd.DataFrame) -> str:
    """Format the result of :func:`calibrate` as a Markdown table, with shares and their limits in per cent."""
    shares = ["called at all", "improves", "hurts", "no effect larger than d", "covered"]
    header = ["nights with positives", "planted effect (logits)", "seeds", "metric", "true difference", *shares]
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    for row in table.to_dict("records"):
        cells = [f"{100 * row['calling']:g} %", f"{row['effect']:g}", str(row["seeds"]), row["metric"]]
        cells.append(f"{100 * row['truth']:+.2f} points")
        cells += [f"{100 * row[n]:.1f} % ({100 * row[f'{n} low']:.1f}-{100 * row[f'{n} high']:.1f})" for n in shares]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _summarize(results: pd.DataFrame, truth: float) -> dict[str, float]:
    hits = {verdict: results.verdict == verdict for verdict in VERDICTS}
    hits["called at all"] = hits["improves"] | hits["hurts"]
    hits["covered"] = results.low.le(truth) & results.high.ge(truth)
    summary = {"truth": truth}
    for name, hit in hits.items():
        limits = stats.binomtest(int(hit.sum()), len(hit)).proportion_ci(0.95, method="exact")
        summary |= {name: hit.mean(), f"{name} low": limits.low, f"{name} high": limits.high}
    return summary


def main() -> None:
    """Calibrate with the worlds of the documentation and write the table."""
    parser = argparse.ArgumentParser(prog="python -m hardneg.benchmarks.calibration", description=__doc__)
    parser.add_argument("table", help="Markdown file to write")
    parser.add_argument("--studies", type=int, default=1000, help="of each kind")
    parser.add_argument("--resamples", type=int, default=500, help="draws of each bootstrap")
    options = parser.parse_args()
    table = calibrate(
        options.studies,
        seeds=[2, 3, 5, 10],
        effects=[0.0, 0.3],
        calling=[1.0, 0.25],
        bound=0.03,
        resamples=options.resamples,
        workers=os.cpu_count() or 1,
    )
    write_text(format_markdown(table), options.table)
    print(format_markdown(table))


if __name__ == "__main__":
    main()
