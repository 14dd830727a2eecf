"""Does a detector unlearn a kind of sound, or does it memorize the recordings that it was trained on?

Two sets of negative files have the same confidence before the training, by the same mining models: the files of a tier,
and files of the held-out pool. Only the first are trained on. A detector that unlearns the sounds flags as few of the
second as of the first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from hardneg.common import tables
from hardneg.mining.combination import select_scores
from hardneg.recordings.manifest import MINED, TEST_POOL
from hardneg.statistics.confusers import group_by_arm
from hardneg.statistics.difference_estimates import estimate_with_nights
from hardneg.statistics.night_resampling import draw_night_weights

RESULT_COLUMNS = [
    "files", "nights", "held_out_files", "held_out_nights", "n", "flagged_share", "held_out_flagged_share",
    "difference", "ci_low", "ci_high", "loss", "held_out_loss",
]  # fmt: skip
LEAST_PROBABILITY = 1e-7


@dataclass(frozen=True, slots=True)
class FlaggedFiles:
    """What the runs of an arm make of one set of negative files.

    Attributes
    ----------
    flagged : files at or above the frozen threshold, per recorder-night; shape (seeds, nights).
    counts : files per recorder-night; the same shape.
    loss : mean binary cross-entropy of a file's confidence (nats) over files and seeds.
    """

    flagged: npt.NDArray[np.float64]
    counts: npt.NDArray[np.float64]
    loss: float

    @classmethod
    def from_scores(cls, runs: Sequence[pd.DataFrame], thresholds: Sequence[float]) -> "FlaggedFiles":
        """Count the flagged files of each run.

        Parameters
        ----------
        runs : ``confidence, group`` of the files, for each seed.
        thresholds : of each seed.
        """
        nights = sorted(set().union(*(run.group for run in runs)))
        flagged, counts = np.zeros((2, len(runs), len(nights)))
        for number, (run, threshold) in enumerate(zip(runs, thresholds, strict=True)):
            rows = pd.Categorical(run.group, nights).codes
            counts[number] = np.bincount(rows, minlength=len(nights))
            flagged[number] = np.bincount(rows, run.confidence >= threshold, minlength=len(nights))
        confidence = np.concatenate([run.confidence.to_numpy(np.float64) for run in runs])
        loss = -np.log(np.maximum(1 - confidence, LEAST_PROBABILITY))
        return cls(flagged, counts, float(loss.mean()) if len(loss) else np.nan)

    @property
    def files(self) -> float:
        """The number of files, as a mean over seeds."""
        return float(self.counts.sum() / len(self.counts))

    @property
    def nights(self) -> int:
        """The number of recorder-nights."""
        return int(self.counts.shape[1])

    @property
    def shares(self) -> npt.NDArray[np.float64]:
        """The flagged share of files for each seed; shape (seeds,)."""
        shares: npt.NDArray[np.float64] = self.flagged.sum(axis=1) / self.counts.sum(axis=1)
        return shares

    def resample(self, name: str, resamples: int) -> npt.NDArray[np.float64]:
        """Compute the flagged share of each seed under each draw of nights; shape (draws, seeds)."""
        weights = draw_night_weights(name, self.nights, resamples, seed=0)
        counts = weights @ self.counts.T
        shares: npt.NDArray[np.float64] = np.divide(
            weights @ self.flagged.T, counts, out=np.full(counts.shape, np.nan), where=counts > 0
        )
        return shares


@dataclass(frozen=True, slots=True)
class PoolFiles:
    """The files of the pool that are compared.

    Attributes
    ----------
    tiers : confidence before the training of each file in a tier, by tier: ``file_path, confidence``.
    held_out : the same of the files that are held out of the pool, by tier, because tiers can use other models.
    """

    tiers: Mapping[str, pd.DataFrame]
    held_out: Mapping[str, pd.DataFrame]

    @classmethod
    def read(cls, tier_paths: Sequence[str], held_out_path: str, rankings: Mapping[str, str]) -> "PoolFiles":
        """Read tables.

        Parameters
        ----------
        tier_paths : the files of each tier.
        held_out_path : the held-out files, scored by the mining models.
        rankings : the score that each tier is cut by, in the order of the paths; see
            :func:`hardneg.mining.combination.select_scores`.
        """
        held_out = tables.read(held_out_path)
        return cls(
            {name: tables.read(path) for name, path in zip(rankings, tier_paths, strict=True)},
            {name: select_scores(held_out, ranked_by) for name, ranked_by in rankings.items()},
        )

    def select_held_out(self, tier: str) -> pd.Series:
        """Select the held-out files whose confidence lies between the lowest and the highest of a tier."""
        confidence, candidates = self.tiers[tier].confidence, self.held_out[tier]
        in_band = candidates.confidence.between(confidence.min(), confidence.max())
        return candidates.file_path[in_band]


def measure_memorization(
    scores: Mapping[tuple[str, ...], pd.DataFrame],
    thresholds: Mapping[tuple[str, ...], float],
    pool: PoolFiles,
    axes: Sequence[str],
    resamples: int = 10_000,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Compare false positives in mined files that were trained on with those in files that were not.

    Both are measured at each run's frozen threshold. Intervals cover seeds and the nights of both sets, which are
    independent because whole recorder-nights are held out.

    Parameters
    ----------
    scores : file scores of each run by the values of `axes` and the seed: ``split, file_path, confidence, group``.
    thresholds : frozen threshold of each run.
    pool : the files of the tiers and of the held-out pool.
    axes : all axes except the seed, ``negative_tier`` among them.

    Returns
    -------
    One row per arm whose tier is in `pool` and has a held-out file of its confidence: the axes, and
    :data:`RESULT_COLUMNS`. ``difference`` is the flagged share of the held-out files minus that of the mined files.
    """
    position = list(axes).index("negative_tier")
    rows: list[dict[str, Any]] = []
    for arm, seeds in group_by_arm(scores).items():
        tier = arm[position]
        if tier not in pool.tiers:
            continue
        selected = pool.select_held_out(tier)
        runs = [scores[(*arm, seed)] for seed in seeds]
        own = [thresholds[(*arm, seed)] for seed in seeds]
        mined = FlaggedFiles.from_scores([run[run.split == MINED] for run in runs], own)
        held_out = FlaggedFiles.from_scores(
            [run[(run.split == TEST_POOL) & run.file_path.isin(selected)] for run in runs], own
        )
        if mined.files and held_out.files:
            rows.append(dict(zip(axes, arm, strict=True)) | _compare(mined, held_out, resamples, confidence))
    return pd.DataFrame(rows, columns=[*axes, *RESULT_COLUMNS])


def _compare(mined: FlaggedFiles, held_out: FlaggedFiles, resamples: int, confidence: float) -> dict[str, Any]:
    under_draws = held_out.resample(TEST_POOL, resamples) - mined.resample(MINED, resamples)
    estimate = estimate_with_nights(
        held_out.shares - mined.shares, under_draws, min(mined.nights, held_out.nights), confidence
    )
    return {
        "files": mined.files,
        "nights": mined.nights,
        "held_out_files": held_out.files,
        "held_out_nights": held_out.nights,
        "n": len(mined.counts),
        "flagged_share": float(mined.shares.mean()),
        "held_out_flagged_share": float(held_out.shares.mean()),
        "difference": estimate.difference,
        "ci_low": estimate.low,
        "ci_high": estimate.high,
        "loss": mined.loss,
        "held_out_loss": held_out.loss,
    }
