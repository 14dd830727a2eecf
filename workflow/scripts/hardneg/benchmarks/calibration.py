"""Try the verdicts on simulated studies whose truth is known: ``python -m hardneg.benchmarks.calibration OUT.md``."""

import argparse
import itertools
import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
import pandas as pd
from scipy import stats

from hardneg.common.files import write_text
from hardneg.common.log import track_progress
from hardneg.statistics import paired_tests
from hardneg.statistics.bootstrap import METRICS, ScoredFiles, two_way_bootstrap

NIGHTS, FILES_A_NIGHT = 40, 10
SEPARATION, SEED_SD, NIGHT_SD, NOISE_SD, THRESHOLD_SD = 2.2, 0.12, 0.5, 0.6, 0.15
TIER_NIGHT_SD, RUN_NIGHT_SD = 0.5, 0.25
SHOWN = ("average_precision", "f1", "recall")


def simulate_run(rng: np.random.Generator, shared: np.ndarray, labels, nights, separation: float) -> ScoredFiles:
    """Simulate one training's scores on a test set.

    A file's logit is the run's own separation times its label, plus what other runs hear alike in the file and its
    night (`shared`), plus what this run makes of the night and of the file. The threshold lies half-way, not quite.
    """
    own = separation + SEED_SD * rng.standard_normal()
    by_night = RUN_NIGHT_SD * rng.standard_normal(int(nights.max()) + 1)
    logits = own * labels + shared + by_night[nights] + NOISE_SD * rng.standard_normal(len(labels))
    threshold = 1 / (1 + np.exp(-(separation / 2 + THRESHOLD_SD * rng.standard_normal())))
    return ScoredFiles(labels, 1 / (1 + np.exp(-logits)), nights, np.full(len(labels), 3 / 3600), threshold)


def simulate_study(
    rng: np.random.Generator,
    seeds: int,
    effect: float,
    calling: float = 1.0,
    nights: int = NIGHTS,
    files_a_night: int = FILES_A_NIGHT,
) -> tuple[list[ScoredFiles], list[ScoredFiles]]:
    """Simulate runs with and without a tier on one drawn test set; the tier adds `effect` to the separation.

    What a tier teaches suits some nights and not others, and does so for all its seeds alike: more seeds do not average
    that away, so the seeds alone do not show how unsure a difference is.

    Parameters
    ----------
    calling : share of the nights that hold positives.
    """
    night = np.repeat(np.arange(nights), files_a_night)
    labels = rng.integers(0, 2, len(night)) * (night < round(calling * nights))
    shared = (NIGHT_SD * rng.standard_normal(nights))[night] + NOISE_SD * rng.standard_normal(len(night))

    def simulate_arm(separation: float) -> list[ScoredFiles]:
        heard = shared + (TIER_NIGHT_SD * rng.standard_normal(nights))[night]
        return [simulate_run(rng, heard, labels, night, separation) for _ in range(seeds)]

    return simulate_arm(SEPARATION + effect), simulate_arm(SEPARATION)


def true_differences(effect: float, calling: float = 1.0, studies: int = 40, seed: int = 1) -> dict[str, float]:
    """The differences that the simulated world holds: the mean over large test sets and many seeds."""
    rng = np.random.default_rng(seed)
    found = [
        two_way_bootstrap(*simulate_study(rng, 10, effect, calling, nights=400), resamples=2) for _ in range(studies)
    ]
    return {metric: float(np.mean([study[metric][0].difference for study in found])) for metric in METRICS}


def try_study(place: int, seeds: int, effect: float, calling: float, bound: float, resamples: int) -> list[dict]:
    """Judge one simulated study as the workflow judges a real one, alone in its family."""
    rng = np.random.default_rng([place, seeds, round(1000 * effect), round(1000 * calling)])
    rows = []
    for metric, (estimate, *_) in two_way_bootstrap(
        *simulate_study(rng, seeds, effect, calling), resamples, seed=place
    ).items():
        said = paired_tests.verdict(estimate, estimate.p, bound)
        rows.append({"metric": metric, "verdict": said, "low": estimate.low, "high": estimate.high})
    return rows


def calibrate(
    studies: int,
    seeds: list[int],
    effects: list[float],
    calling: list[float],
    bound: float,
    resamples: int,
    workers: int,
) -> pd.DataFrame:
    """Simulate studies and count what the verdicts and intervals make of them.

    Parameters
    ----------
    studies : number of each kind.
    seeds : numbers of seeds to try.
    effects : planted effects (logits); 0 is none.
    calling : shares of the nights that hold positives, one world each.
    bound : the effect of interest, in the metric's unit.

    Returns
    -------
    One row per world, effect, number of seeds and metric: the true difference; the share of studies called *improves*,
    *hurts* and *no effect*; how often the interval covers the truth; with 95 % Clopper-Pearson limits of each share.
    """
    rows = []
    for share, effect in itertools.product(calling, effects):
        truth = true_differences(effect, share) if effect else dict.fromkeys(METRICS, 0.0)
        for count in seeds:
            one = partial(try_study, seeds=count, effect=effect, calling=share, bound=bound, resamples=resamples)
            with ProcessPoolExecutor(workers) as pool:
                tried = pool.map(one, range(studies), chunksize=8)
                what = f"{100 * share:g} % of nights, effect {effect:g}, {count} seeds"
                found = pd.DataFrame([row for study in track_progress(tried, studies, what) for row in study])
            for metric in SHOWN:
                part = found[found.metric == metric]
                covered = part.low.le(truth[metric]) & part.high.ge(truth[metric])
                shares = {
                    verdict: part.verdict == verdict for verdict in ("improves", "hurts", "no effect larger than d")
                }
                row = {"calling": share, "effect": effect, "seeds": count, "metric": metric}
                row |= {"studies": studies, "truth": truth[metric]}
                for name, hits in (
                    shares | {"called at all": shares["improves"] | shares["hurts"], "covered": covered}
                ).items():
                    row |= {name: hits.mean(), f"{name} low": _limits(hits)[0], f"{name} high": _limits(hits)[1]}
                rows.append(row)
    return pd.DataFrame(rows)


def as_markdown(table: pd.DataFrame) -> str:
    """Lay the table out for the docs, shares in per cent with their limits."""
    names = ["called at all", "improves", "hurts", "no effect larger than d", "covered"]
    lines = [
        "| nights with positives | planted effect (logits) | seeds | metric | true difference | "
        + " | ".join(names)
        + " |",
        "|" + "---|" * (5 + len(names)),
    ]
    for row in table.to_dict("records"):
        shares = [f"{100 * row[n]:.1f} % ({100 * row[f'{n} low']:.1f}-{100 * row[f'{n} high']:.1f})" for n in names]
        front = [f"{100 * row['calling']:g} %", f"{row['effect']:g}", str(row["seeds"]), row["metric"]]
        lines.append("| " + " | ".join([*front, f"{100 * row['truth']:+.2f} points", *shares]) + " |")
    return "\n".join(lines) + "\n"


def _limits(hits: pd.Series) -> tuple[float, float]:
    interval = stats.binomtest(int(hits.sum()), len(hits)).proportion_ci(0.95, method="exact")
    return interval.low, interval.high


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", help="Markdown file to write")
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--resamples", type=int, default=500)
    given = parser.parse_args()
    seeds, effects, calling = [2, 3, 5, 10], [0.0, 0.3], [1.0, 0.25]
    result = calibrate(given.studies, seeds, effects, calling, 0.03, given.resamples, os.cpu_count() or 1)
    write_text(as_markdown(result), given.table)
    print(as_markdown(result))
