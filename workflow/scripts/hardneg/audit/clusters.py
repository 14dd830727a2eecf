"""Cluster the pool's hardest windows by sound, so that one frequent source of noise does not fill a tier."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
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


def cluster_files(scores: pd.DataFrame, pool_index: pd.DataFrame, count: int, seed: int) -> pd.DataFrame:
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

    Returns
    -------
    ``file_path, cluster`` (0 is the largest) and ``distance`` from the cluster's center, in the order of `scores`.
    """
    windows = store.locate_windows(scores[["file_path", "start_s"]], pool_index)
    vectors = np.concatenate([compute_descriptors(part) for part in store.load_in_parts(windows)])
    fitted = KMeans(min(count, len(np.unique(vectors, axis=0))), n_init=4, random_state=seed).fit(vectors)
    by_size = pd.Series(fitted.labels_).value_counts(sort=True).index
    ranks = dict(zip(by_size, range(len(by_size)), strict=True))
    distance = np.linalg.norm(vectors - fitted.cluster_centers_[fitted.labels_], axis=1)
    cluster = [ranks[label] for label in fitted.labels_]
    return windows[["file_path"]].assign(cluster=cluster, distance=distance.astype(float))


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
