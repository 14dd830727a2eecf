"""Which false alarms does a tier remove? False positives in the held-out pool, by kind of sound."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from hardneg.models.ranking_curves import trace_ranking_curve
from hardneg.recordings.manifest import TEST_POOL
from hardneg.recordings.test_sets import select_test_files
from hardneg.statistics.difference_estimates import estimate_with_nights
from hardneg.statistics.night_resampling import draw_night_weights
from hardneg.statistics.run_pairs import Comparison

ALL = "all"
RESULT_COLUMNS = [
    "files", "n", "false_positives_per_hour_baseline", "false_positives_per_hour", "difference", "ci_low", "ci_high",
    "change", "example", "start_s",
]  # fmt: skip
FEWER, MORE, UNCLEAR = "fewer", "more", "no clear change"


@dataclass(frozen=True, slots=True)
class PoolTest:
    """The held-out pool by night and by kind of sound.

    Attributes
    ----------
    kinds : names of the clusters, and :data:`ALL`.
    membership : whether a file is of a kind, shape (files, kinds).
    files : ``file_path, start_s``; the files that stand for their kind best come first.
    nights : number of the recorder-night of each file, shape (files,).
    hours : recorded hours of each night, shape (nights,).
    """

    kinds: list[str]
    membership: npt.NDArray[np.bool_]
    files: pd.DataFrame
    nights: npt.NDArray[np.intp]
    hours: npt.NDArray[np.float64]

    @classmethod
    def from_tables(cls, scores: pd.DataFrame, clusters: pd.DataFrame) -> "PoolTest":
        """Arrange the held-out pool.

        Parameters
        ----------
        scores : of any run: ``split, file_path, duration_s, group``.
        clusters : ``file_path, start_s, cluster, distance`` of the held-out files.
        """
        files = clusters.merge(scores[scores.split == TEST_POOL], on="file_path", suffixes=("", "_of_run"))
        files = files.sort_values(["distance", "file_path"], ignore_index=True)
        nights, names = pd.factorize(files.group, sort=True)
        kinds = sorted(files.cluster.unique())
        membership = np.column_stack([files.cluster == kind for kind in kinds] + [np.ones(len(files), bool)])
        hours = np.bincount(nights, files.duration_s / 3600, minlength=len(names)).astype(np.float64)
        return cls([*map(str, kinds), ALL], membership, files[["file_path", "start_s"]], nights, hours)

    def count_per_night(self, flagged: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        """Count the flagged files of each kind per night; shape (nights, kinds)."""
        counts = np.zeros((len(self.hours), len(self.kinds)))
        np.add.at(counts, self.nights, self.membership & flagged[:, None])
        return counts


def compare_confusers(
    scores: Mapping[tuple[str, ...], pd.DataFrame],
    thresholds: Mapping[tuple[str, ...], float],
    clusters: pd.DataFrame,
    comparison: Comparison,
    axes: Sequence[str],
    resamples: int = 10_000,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Compare the false positives of each kind of sound at the baseline's recall.

    The recall is that of the baseline at its frozen thresholds on the calls of the test, averaged over its seeds. Each
    run's threshold is the highest one with at least this recall. Intervals cover seeds and nights of the pool. They
    take these thresholds as certain, and are not adjusted for the number of kinds.

    Parameters
    ----------
    scores : file scores of each run by the values of `axes` and the seed: ``split, file_path, label, confidence,
        duration_s, group``.
    thresholds : frozen threshold of each run.
    clusters : of the held-out files: ``file_path, start_s, cluster, distance``.
    comparison : the axis that varies, and its baseline.
    axes : all axes except the seed.

    Returns
    -------
    One row per value, values of the other axes, and kind: ``value, baseline``, the other axes, ``cluster`` (a number,
    or ``all``) and :data:`RESULT_COLUMNS`. ``change`` is ``fewer`` or ``more`` if the interval excludes 0. The example
    is the most typical file of this kind that most of the baseline's runs flag.
    """
    position = list(axes).index(comparison.vary)
    pool = PoolTest.from_tables(next(iter(scores.values())), clusters)
    weights = draw_night_weights(TEST_POOL, len(pool.hours), resamples, seed=0)
    seeds_of = group_by_arm(scores)
    parts = []
    for arm, seeds in seeds_of.items():
        baseline = (*arm[:position], comparison.baseline, *arm[position + 1 :])
        shared = [seed for seed in seeds if seed in seeds_of.get(baseline, [])]
        if arm == baseline or not shared:
            continue
        runs, baseline_runs = ([scores[(*key, seed)] for seed in shared] for key in (arm, baseline))
        recall = float(np.mean([_measure_recall(scores[(*baseline, s)], thresholds[(*baseline, s)]) for s in shared]))
        flagged, flagged_before = (
            np.stack([_flag_at_recall(run, recall, pool.files) for run in part]) for part in (runs, baseline_runs)
        )
        axis_values = {axis: value for axis, value in zip(axes, arm, strict=True) if axis != comparison.vary}
        rows = _compare_arm(pool, flagged, flagged_before, weights, confidence)
        parts.append(rows.assign(value=arm[position], baseline=comparison.baseline, **axis_values))
    columns = ["value", "baseline", *(axis for axis in axes if axis != comparison.vary), "cluster", *RESULT_COLUMNS]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def _compare_arm(
    pool: PoolTest,
    flagged: npt.NDArray[np.bool_],
    flagged_before: npt.NDArray[np.bool_],
    weights: npt.NDArray[np.floating[Any]],
    confidence: float,
) -> pd.DataFrame:
    """Compare the flagged files of an arm with those of its baseline, kind by kind.

    Parameters
    ----------
    flagged, flagged_before : of the arm and of the baseline; shape (seeds, files).
    weights : how often each night counts in each draw; shape (draws, nights).
    """
    counts, counts_before = (
        np.stack([pool.count_per_night(files) for files in arm], axis=1) for arm in (flagged, flagged_before)
    )  # (nights, seeds, kinds)
    rate, rate_before = (arm.sum(axis=0) / pool.hours.sum() for arm in (counts, counts_before))
    hours = np.maximum(weights @ pool.hours, np.finfo(float).tiny)
    drawn = np.einsum("rn,nsk->rsk", weights, counts - counts_before) / hours[:, None, None]
    kinds = range(len(pool.kinds))
    estimates = [
        estimate_with_nights((rate - rate_before)[:, kind], drawn[:, :, kind], len(pool.hours), confidence)
        for kind in kinds
    ]
    examples = [_choose_example(pool, flagged_before, kind) for kind in kinds]
    return pd.DataFrame(
        {
            "cluster": pool.kinds,
            "files": pool.membership.sum(axis=0),
            "n": len(flagged),
            "false_positives_per_hour_baseline": rate_before.mean(axis=0),
            "false_positives_per_hour": rate.mean(axis=0),
            "difference": [estimate.difference for estimate in estimates],
            "ci_low": [estimate.low for estimate in estimates],
            "ci_high": [estimate.high for estimate in estimates],
            "change": [FEWER if estimate.high < 0 else MORE if estimate.low > 0 else UNCLEAR for estimate in estimates],
            "example": [path for path, _ in examples],
            "start_s": [start_s for _, start_s in examples],
        }
    )


def read_scores(paths: Sequence[str], runs: Sequence[Mapping[str, str]]) -> dict[tuple[str, ...], pd.DataFrame]:
    """Read the file scores of all runs that have been trained.

    Parameters
    ----------
    paths, runs : the scores of each run, and its axes and seed, in the same order.
    """
    columns = ["split", "file_path", "label", "confidence", "duration_s", "group"]
    scores = {
        tuple(run.values()): pd.read_parquet(path, columns=columns) for path, run in zip(paths, runs, strict=True)
    }
    return {run: table for run, table in scores.items() if len(table)}


def read_thresholds(runs: pd.DataFrame, keys: Sequence[str]) -> dict[tuple[str, ...], float]:
    """Take the frozen threshold of each run from ``runs.csv``; `keys` are the axes and the seed."""
    first_rows = runs.drop_duplicates(list(keys)).astype(dict.fromkeys(keys, str))
    thresholds: dict[tuple[str, ...], float] = first_rows.set_index(list(keys)).threshold.to_dict()
    return thresholds


def add_names(compared: pd.DataFrame, clusters: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """Add the columns ``name`` and ``name_share`` of each kind; see :func:`name_kinds`."""
    names = name_kinds(clusters, labels).rename(columns={"share": "name_share"})
    names = names.astype({"cluster": str})
    return compared.merge(names, on="cluster", how="left", validate="m:1")


def name_kinds(clusters: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """Name each cluster by its most frequent label.

    Parameters
    ----------
    clusters : ``file_path, cluster`` of files of the pool.
    labels : ``file_path, label`` of some of these files.

    Returns
    -------
    ``cluster, name, share``: the share of the labeled files of the cluster with this label. A cluster without a labeled
    file has no row.
    """
    counts = clusters.merge(labels, on="file_path").groupby(["cluster", "label"]).size().rename("files").reset_index()
    counts["share"] = counts.files / counts.groupby("cluster").files.transform("sum")
    best = counts.sort_values(["share", "label"], ascending=[False, True]).drop_duplicates("cluster")
    return best.rename(columns={"label": "name"})[["cluster", "name", "share"]].sort_values(
        "cluster", ignore_index=True
    )


def group_by_arm(scores: Mapping[tuple[str, ...], pd.DataFrame]) -> dict[tuple[str, ...], list[str]]:
    """List the seeds of each arm, which is the values of all axes."""
    arms: dict[tuple[str, ...], list[str]] = {}
    for *arm, seed in scores:
        arms.setdefault(tuple(arm), []).append(seed)
    return arms


def _measure_recall(run: pd.DataFrame, threshold: float) -> float:
    calls = select_test_files(run, TEST_POOL)
    return float((calls.confidence[calls.label == 1] >= threshold).mean())


def _flag_at_recall(run: pd.DataFrame, recall: float, files: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Mark the held-out files that a run flags at the highest threshold with at least `recall`; none without calls."""
    tested = select_test_files(run, TEST_POOL)
    labels = tested.label.to_numpy()
    if not labels.any():
        return np.zeros(len(files), bool)
    curve = trace_ranking_curve(labels, tested.confidence.to_numpy())
    threshold = curve.thresholds[np.argmax(curve.tp >= recall * curve.tp[-1] - 1e-9)]
    confidence = run[run.split == TEST_POOL].set_index("file_path").confidence
    return np.asarray(confidence.loc[files.file_path].to_numpy() >= threshold)


def _choose_example(pool: PoolTest, flagged: npt.NDArray[np.bool_], kind: int) -> tuple[str, float]:
    """Choose the most typical file of a kind, among those that the most runs flag; flagged has shape (seeds, files)."""
    votes = np.where(pool.membership[:, kind], flagged.sum(axis=0), -1)
    example = pool.files.iloc[int(np.argmax(votes))]
    return str(example.file_path), float(example.start_s)
