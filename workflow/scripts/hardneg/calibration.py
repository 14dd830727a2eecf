"""Try the verdicts on simulated studies whose truth is known: ``python -m hardneg.calibration OUT.md``."""

import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
import pandas as pd
from scipy import stats

from hardneg import statistics
from hardneg.bootstrap import METRICS, ScoredFiles, two_way
from hardneg.files import write_text
from hardneg.log import progress

NIGHTS, FILES_A_NIGHT = 40, 10
SEPARATION, SEED_SD, NIGHT_SD, RUN_NIGHT_SD, NOISE_SD, THRESHOLD_SD = 2.2, 0.12, 0.5, 0.25, 0.6, 0.15
SHOWN = ("average_precision", "f1", "recall")


def simulate_run(rng: np.random.Generator, shared: np.ndarray, labels, nights, separation: float) -> ScoredFiles:
    """Simulate one training's scores on a test set.

    A file's logit is the run's own separation times its label, plus what all runs hear alike in the file and its night
    (`shared`), plus what this run makes of the night and of the file. The threshold lies half-way, not quite.
    """
    own = separation + SEED_SD * rng.standard_normal()
    by_night = RUN_NIGHT_SD * rng.standard_normal(int(nights.max()) + 1)
    logits = own * labels + shared + by_night[nights] + NOISE_SD * rng.standard_normal(len(labels))
    threshold = 1 / (1 + np.exp(-(separation / 2 + THRESHOLD_SD * rng.standard_normal())))
    return ScoredFiles(labels, 1 / (1 + np.exp(-logits)), nights, np.full(len(labels), 3 / 3600), threshold)


def simulate_study(
    rng: np.random.Generator, seeds: int, effect: float, nights: int = NIGHTS, files_a_night: int = FILES_A_NIGHT
) -> tuple[list[ScoredFiles], list[ScoredFiles]]:
    """Simulate runs with and without a tier on one drawn test set; the tier adds `effect` to the separation."""
    night = np.repeat(np.arange(nights), files_a_night)
    labels = rng.integers(0, 2, len(night))
    shared = (NIGHT_SD * rng.standard_normal(nights))[night] + NOISE_SD * rng.standard_normal(len(night))
    own = [simulate_run(rng, shared, labels, night, SEPARATION + effect) for _ in range(seeds)]
    base = [simulate_run(rng, shared, labels, night, SEPARATION) for _ in range(seeds)]
    return own, base


def true_differences(effect: float, studies: int = 40, seed: int = 1) -> dict[str, float]:
    """The differences that the simulated world holds: the mean over large test sets and many seeds."""
    rng = np.random.default_rng(seed)
    found = [two_way(*simulate_study(rng, 10, effect, nights=400), resamples=2) for _ in range(studies)]
    return {metric: float(np.mean([study[metric][0].difference for study in found])) for metric in METRICS}


def try_study(place: int, seeds: int, effect: float, bound: float, resamples: int) -> list[dict]:
    """Judge one simulated study as the workflow judges a real one, alone in its family."""
    rng = np.random.default_rng([place, seeds, round(1000 * effect)])
    rows = []
    for metric, (estimate, *_) in two_way(*simulate_study(rng, seeds, effect), resamples, seed=place).items():
        said = statistics.verdict(estimate, estimate.p, bound)
        rows.append({"metric": metric, "verdict": said, "low": estimate.low, "high": estimate.high})
    return rows


def calibrate(
    studies: int, seeds: list[int], effects: list[float], bound: float, resamples: int, workers: int
) -> pd.DataFrame:
    """Simulate studies and count what the verdicts and intervals make of them.

    Parameters
    ----------
    studies : number of each kind.
    seeds : numbers of seeds to try.
    effects : planted effects (logits); 0 is none.
    bound : the effect of interest, in the metric's unit.

    Returns
    -------
    One row per effect, number of seeds and metric: the true difference; the share of studies called *improves*, *hurts*
    and *no effect*; how often the interval covers the truth; with 95 % Clopper-Pearson limits of each share.
    """
    rows = []
    for effect in effects:
        truth = true_differences(effect) if effect else dict.fromkeys(METRICS, 0.0)
        for count in seeds:
            one = partial(try_study, seeds=count, effect=effect, bound=bound, resamples=resamples)
            with ProcessPoolExecutor(workers) as pool:
                tried = pool.map(one, range(studies), chunksize=8)
                what = f"effect {effect:g}, {count} seeds"
                found = pd.DataFrame([row for study in progress(tried, studies, what) for row in study])
            for metric in SHOWN:
                part = found[found.metric == metric]
                covered = part.low.le(truth[metric]) & part.high.ge(truth[metric])
                shares = {
                    verdict: part.verdict == verdict for verdict in ("improves", "hurts", "no effect larger than d")
                }
                row = {"effect": effect, "seeds": count, "metric": metric, "studies": studies, "truth": truth[metric]}
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
        "| planted effect (logits) | seeds | metric | true difference | " + " | ".join(names) + " |",
        "|" + "---|" * (4 + len(names)),
    ]
    for row in table.to_dict("records"):
        shares = [f"{100 * row[n]:.1f} % ({100 * row[f'{n} low']:.1f}-{100 * row[f'{n} high']:.1f})" for n in names]
        front = [f"{row['effect']:g}", str(row["seeds"]), row["metric"], f"{100 * row['truth']:+.2f} points"]
        lines.append("| " + " | ".join([*front, *shares]) + " |")
    return "\n".join(lines) + "\n"


def _limits(hits: pd.Series) -> tuple[float, float]:
    interval = stats.binomtest(int(hits.sum()), len(hits)).proportion_ci(0.95, method="exact")
    return interval.low, interval.high


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", help="Markdown file to write")
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--resamples", type=int, default=500)
    given = parser.parse_args()
    result = calibrate(given.studies, [3, 5, 10], [0.0, 0.3], 0.03, given.resamples, os.cpu_count() or 1)
    write_text(as_markdown(result), given.table)
    print(as_markdown(result))
