"""Estimate how many hidden positives a pool contains, and from which score on a pool file is probably one of them.

The cross-fitted scores of a pool are a mixture. Hidden positives are assumed to score as the labeled positives do. The
upper tail of all other files is assumed to fall exponentially, as tails of many distributions do (peaks over threshold;
S. Coles, "An introduction to statistical modeling of extreme values", 2001). The shares are fitted by the EM algorithm.
Labeled negatives take no part, because the pool may contain other sounds than they do.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

FloatArray = npt.NDArray[np.float64]

TAIL_SHARE = 0.2  # of the pool
BINS = 200
DRAWS = 300
EM_STEPS = 100
INTERVAL = (0.025, 0.975)
HIGHEST_QUANTILE = 0.9  # of the labeled positives; above it, too few scores remain to estimate a density


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimate and its interval, which covers 95 %; all missing if it cannot be made."""

    value: float = np.nan
    low: float = np.nan
    high: float = np.nan

    @classmethod
    def from_draws(cls, values: FloatArray) -> "Estimate":
        """Take the first value, which is of the files themselves, and the quantiles of the resampled ones."""
        resampled = values[1:][np.isfinite(values[1:])]
        if not (np.isfinite(values[0]) and len(resampled)):
            return cls()
        low, high = np.quantile(resampled, INTERVAL)
        return cls(float(values[0]), float(low), float(high))


@dataclass(frozen=True, slots=True)
class RecorderDraws:
    """How often each recorder counts when recorders are drawn with replacement, because their files are alike.

    Attributes
    ----------
    recorders : the recorder of each file, as a number from 0, shape (files,).
    counts : shape (1 + DRAWS, recorders). In the first row, each recorder counts once.
    """

    recorders: npt.NDArray[np.int64]
    counts: FloatArray

    @classmethod
    def draw(cls, recorder_ids: pd.Series, rng: np.random.Generator) -> "RecorderDraws":
        """Draw as many recorders as there are, :data:`DRAWS` times."""
        recorders, names = pd.factorize(recorder_ids)
        drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=DRAWS)
        return cls(recorders, np.concatenate([np.ones((1, len(names))), drawn]))

    def add_up(self, values: FloatArray) -> FloatArray:
        """Add up the values of the files, shape (files, columns), in each draw: shape (1 + DRAWS, columns)."""
        by_recorder = np.zeros((self.counts.shape[1], values.shape[1]))
        np.add.at(by_recorder, self.recorders, values)
        return self.counts @ by_recorder

    def count_in_bins(self, bins: npt.NDArray[np.int64], size: int) -> FloatArray:
        """Count the files in each bin in each draw: shape (1 + DRAWS, size). Files with a negative bin do not count."""
        by_recorder = np.zeros((self.counts.shape[1], size))
        np.add.at(by_recorder, (self.recorders[bins >= 0], bins[bins >= 0]), 1)
        return self.counts @ by_recorder


@dataclass(frozen=True, slots=True)
class ScoreMixture:
    """The upper tail of a pool's scores as a mixture of hidden positives and negatives.

    Attributes
    ----------
    grid : scores (logits) at which it is evaluated, rising, shape (bins,).
    probability : estimated probability that a file with this score is a hidden positive, shape (bins,).
    hidden : estimated number of hidden positives in the pool.
    """

    grid: FloatArray
    probability: FloatArray
    hidden: Estimate

    def look_up_probability(self, scores: FloatArray) -> FloatArray:
        """Look up the probability that files with these scores are hidden positives; 0 below the tail."""
        return np.interp(scores, self.grid, self.probability, left=0.0)

    def find_threshold(self, min_probability: float, highest: float) -> float:
        """Find the score from which on the probability stays at least `min_probability`, up to the score `highest`.

        Returns
        -------
        A score; infinity if the probability is lower at `highest`.
        """
        below = np.flatnonzero((self.grid <= highest) & ~(self.probability >= min_probability))
        reached = self.grid[(0 if len(below) == 0 else below[-1] + 1) :]
        return float(reached[0]) if len(reached) and reached[0] <= highest else np.inf


def fit_mixture(positives: pd.DataFrame, pool: pd.DataFrame, rng: np.random.Generator) -> ScoreMixture:
    """Fit how many hidden positives a pool contains, and how probable one is at each score.

    Parameters
    ----------
    positives : ``score`` (logit) and ``recorder_id`` of the labeled positives; at least two.
    pool : the same of the pool.
    rng : draws the recorders.
    """
    scores, pooled = positives.score.to_numpy(), pool.score.to_numpy()
    draws, pool_draws = RecorderDraws.draw(positives.recorder_id, rng), RecorderDraws.draw(pool.recorder_id, rng)
    cut = np.quantile(pooled, 1 - TAIL_SHARE)
    edges = np.linspace(cut, max(pooled.max(), scores.max()) + 1e-6, BINS + 1)
    width, grid = edges[1] - edges[0], (edges[:-1] + edges[1:]) / 2
    counts = pool_draws.count_in_bins(np.searchsorted(edges, pooled, "right") - 1, BINS)
    files = pool_draws.add_up(np.ones((len(pooled), 1)))
    bandwidth = max(choose_bandwidth(scores), width)
    kernels = np.exp(-0.5 * ((grid - scores[:, None]) / bandwidth) ** 2) / (bandwidth * np.sqrt(2 * np.pi))
    totals = draws.add_up(np.column_stack([kernels, scores > cut, np.ones(len(scores))]))
    with np.errstate(invalid="ignore", divide="ignore"):
        reached = totals[:, -2:-1] / totals[:, -1:]  # share of the positives in the tail
        density = totals[:, :-2] / totals[:, -1:] / reached
        share, scale = fit_exponential_mixture(counts, grid - cut, density)
        hidden = share * counts.sum(axis=1) / files[:, 0] * len(pooled) / reached[:, 0]
    positive = share[0] * density[0]
    negative = (1 - share[0]) * np.exp(-(grid - cut) / scale[0]) / scale[0]
    probability = positive / np.maximum(positive + negative, 1e-300)
    return ScoreMixture(grid, probability, Estimate.from_draws(np.minimum(hidden, len(pooled))))


def fit_exponential_mixture(
    counts: FloatArray, excess: FloatArray, density: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Fit a mixture of a known density and an exponential one, by the EM algorithm.

    Parameters
    ----------
    counts : number of files in each bin, shape (fits, bins).
    excess : the bins' centers, from 0, shape (bins,).
    density : the known density, shape (fits, bins).

    Returns
    -------
    share, scale : share of the known density, and mean of the exponential one, shapes (fits,).
    """
    total = counts.sum(axis=1)
    share, scale = np.full(len(counts), 0.1), (counts * excess).sum(axis=1) / total
    for _ in range(EM_STEPS):
        known = share[:, None] * density
        exponential = (1 - share[:, None]) * np.exp(-excess / scale[:, None]) / scale[:, None]
        expected = counts * known / np.maximum(known + exponential, 1e-300)
        rest = counts - expected
        share = expected.sum(axis=1) / total
        scale = np.maximum((rest * excess).sum(axis=1) / np.maximum(rest.sum(axis=1), 1e-9), 1e-3)
    return share, scale


def choose_bandwidth(scores: FloatArray) -> float:
    """Choose the bandwidth of a kernel density (B. W. Silverman, 1986)."""
    spread = min(scores.std(), float(np.subtract(*np.quantile(scores, [0.75, 0.25]))) / 1.34) or scores.std()
    return float(0.9 * spread * len(scores) ** -0.2)
