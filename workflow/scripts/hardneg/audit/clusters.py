"""Group the pool's hardest windows by how they sound, so that one dripping tap does not fill a tier."""

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans

from hardneg.audit.near_duplicates import descriptors
from hardneg.features import store


def group(scores: pd.DataFrame, pool_index: pd.DataFrame, count: int, seed: int) -> pd.DataFrame:
    """Cluster the hardest window of each file by k-means.

    Spectrograms are clustered by a descriptor that does not change when a sound moves within its window
    (:func:`hardneg.audit.near_duplicates.descriptors`), embeddings as they are, both scaled to length 1.

    Parameters
    ----------
    scores : one row per pool file with its hardest window, the hardest first.
    pool_index : which window is which row of which array.
    count : clusters; fewer where there are fewer files.

    Returns
    -------
    ``file_path, cluster`` (0 is the largest) and ``distance`` from its centre, in the order of `scores`.
    """
    windows = scores[["file_path", "start_s"]].merge(pool_index, on=["file_path", "start_s"], validate="1:1")
    vectors = np.concatenate([descriptors(part) for part in store.load_in_parts(windows)])
    fitted = KMeans(min(count, len(np.unique(vectors, axis=0))), n_init=4, random_state=seed).fit(vectors)
    by_size = pd.Series(fitted.labels_).value_counts(sort=True).index
    names = dict(zip(by_size, range(len(by_size)), strict=True))
    distance = np.linalg.norm(vectors - fitted.cluster_centers_[fitted.labels_], axis=1)
    cluster = [names[label] for label in fitted.labels_]
    return windows[["file_path"]].assign(cluster=cluster, distance=distance.astype(float))


def in_tiers(tiers: dict[str, pd.DataFrame], clusters: pd.DataFrame, most: int = 5) -> list[dict]:
    """Describe what each tier is made of.

    Returns
    -------
    For each tier ``name``, ``clusters`` (how many it touches) and ``largest``: of its `most` largest clusters the
    ``cluster``, ``files``, ``share`` of the tier, and as ``example`` the file nearest to the cluster's centre with the
    second ``start_s`` at which to listen.
    """
    rows = []
    for name, tier in tiers.items():
        known = tier.merge(clusters, on="file_path", validate="1:1").sort_values(["distance", "file_path"])
        counts = known.cluster.value_counts()
        largest = []
        for cluster, files in counts.head(most).items():
            example = known[known.cluster == cluster].iloc[0]
            share = files / len(known)
            largest.append(
                {
                    "cluster": cluster,
                    "files": files,
                    "share": share,
                    "example": example.file_path,
                    "start_s": example.start_s,
                }
            )
        rows.append({"name": name, "clusters": len(counts), "largest": largest})
    return rows
