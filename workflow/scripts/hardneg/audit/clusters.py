"""Cluster the pool's hardest windows by sound, so that one frequent source of noise does not fill a tier."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.cluster import KMeans

from hardneg.audit.near_duplicates import compute_descriptors
from hardneg.features import store


@dataclass(frozen=True, slots=True)
class ClusterInTier:
    """One cluster among the files of a tier.

    Attributes
    ----------
    cluster : its number; 0 is the largest of the pool.
    files, share : number and share of the tier's files that it contains.
    example : the file of the tier nearest to the cluster's center.
    start_s : start of the example's window (s).
    """

    cluster: int
    files: int
    share: float
    example: str
    start_s: float


@dataclass(frozen=True, slots=True)
class TierClusters:
    """What a tier consists of.

    Attributes
    ----------
    name : the tier.
    clusters : number of clusters in the tier.
    largest : the largest ones.
    """

    name: str
    clusters: int
    largest: list[ClusterInTier]


@dataclass(frozen=True, slots=True)
class PoolClusters:
    """The clusters of the pool.

    Attributes
    ----------
    mined : ``file_path, cluster`` (0 is the largest) and ``distance`` from the cluster's center.
    held_out : the same for files that are held out of the pool, each in the cluster with the nearest center, with the
        ``start_s`` of the window (s).
    """

    mined: pd.DataFrame
    held_out: pd.DataFrame


def cluster_files(
    scores: pd.DataFrame, pool_index: pd.DataFrame, count: int, seed: int, held_out: pd.DataFrame | None = None
) -> PoolClusters:
    """Cluster the files by their hardest windows, with k-means.

    Spectrograms are clustered by a descriptor that ignores where in its window a sound is
    (:func:`hardneg.audit.near_duplicates.compute_descriptors`). Embeddings are clustered unchanged. Both are scaled
    to length 1.

    Parameters
    ----------
    scores : one row per pool file with its hardest window, the hardest first.
    pool_index : where the features of each window are stored.
    count : number of clusters; fewer if the pool has fewer different windows.
    seed : seed of the initial centers.
    held_out : hardest windows of files that are held out of the pool. They do not move the centers.

    Returns
    -------
    The clusters, in the order of `scores` and of `held_out`.
    """
    windows = store.locate_windows(scores[["file_path", "start_s"]], pool_index)
    vectors = _describe_windows(windows)
    fitted = KMeans(min(count, len(np.unique(vectors, axis=0))), n_init=4, random_state=seed).fit(vectors)
    by_size = pd.Series(fitted.labels_).value_counts(sort=True).index
    ranks = pd.Series(range(len(by_size)), by_size)
    mined = windows[["file_path"]].assign(
        cluster=ranks[fitted.labels_].to_numpy(), distance=_measure_distances(vectors, fitted, fitted.labels_)
    )
    if held_out is None or held_out.empty:
        return PoolClusters(mined, pd.DataFrame(columns=[*mined.columns, "start_s"]))
    tested = store.locate_windows(held_out[["file_path", "start_s"]], pool_index)
    vectors = _describe_windows(tested)
    nearest = fitted.predict(vectors)
    assigned = tested[["file_path"]].assign(
        cluster=ranks[nearest].to_numpy(), distance=_measure_distances(vectors, fitted, nearest), start_s=tested.start_s
    )
    return PoolClusters(mined, assigned)


def _describe_windows(windows: pd.DataFrame) -> npt.NDArray[np.float32]:
    return np.concatenate([compute_descriptors(part) for part in store.load_in_parts(windows)])


def _measure_distances(
    vectors: npt.NDArray[np.float32], fitted: KMeans, clusters: npt.NDArray[np.integer]
) -> npt.NDArray[np.float64]:
    distances: npt.NDArray[np.float64] = np.linalg.norm(vectors - fitted.cluster_centers_[clusters], axis=1)
    return distances.astype(np.float64)


def describe_tier_clusters(
    tiers: Mapping[str, pd.DataFrame], clusters: pd.DataFrame, top: int = 5
) -> list[TierClusters]:
    """Describe which clusters each tier consists of.

    Parameters
    ----------
    tiers : the files of each tier: ``file_path, start_s``.
    clusters : from :func:`cluster_files`.
    top : number of clusters to list for each tier.
    """
    described = []
    for name, tier in tiers.items():
        members = tier.merge(clusters, on="file_path", validate="1:1").sort_values(["distance", "file_path"])
        counts = members.cluster.value_counts()
        largest = []
        for cluster, files in counts.head(top).items():
            example = members[members.cluster == cluster].iloc[0]
            share = files / len(members)
            largest.append(ClusterInTier(cluster, files, share, example.file_path, example.start_s))
        described.append(TierClusters(name, len(counts), largest))
    return described
