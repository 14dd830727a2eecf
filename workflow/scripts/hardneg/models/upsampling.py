"""Upsampling of the smaller class of a training set."""

from typing import Any

import numpy as np
import numpy.typing as npt

NEIGHBORS = 5
MODES = ("none", "repeat", "mean", "linear", "smote")


def upsample(
    windows: npt.NDArray[np.float16],
    labels: npt.NDArray[np.integer],
    mode: str,
    ratio: float,
    generator: np.random.Generator,
) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.integer]]:
    """Add windows to the smaller class until it has `ratio` times as many as the larger.

    Each added window starts from a window drawn from the class. ``repeat`` copies it. ``mean`` takes its mean with
    another window of the class. ``linear`` takes a random point on the line between the two. ``smote`` takes a random
    point on the line to one of its five nearest neighbors in the class (N. Chawla et al., "SMOTE", JAIR 16, 2002). The
    names are those of BirdNET-Analyzer.

    Parameters
    ----------
    windows : features, shape (n, ...).
    labels : 1 or 0, shape (n,).
    mode : one of :data:`MODES`; ``none`` adds nothing.
    ratio : in (0, 1].

    Returns
    -------
    windows, labels : the inputs, followed by the added windows and their labels.
    """
    counts = np.bincount(labels, minlength=2)
    smaller = int(np.argmin(counts))
    missing = round(ratio * counts.max()) - counts[smaller]
    if mode == "none" or missing <= 0:
        return windows, labels
    members = windows[labels == smaller].astype(np.float32)
    first = generator.integers(len(members), size=missing)
    second = _draw_partners(members, first, mode, generator)
    broadcastable = (-1, *[1] * (members.ndim - 1))
    share = 0.5 if mode == "mean" else generator.random(missing, dtype=np.float32).reshape(broadcastable)
    added = members[first] + share * (members[second] - members[first])
    return np.concatenate([windows, added.astype(windows.dtype)]), np.append(labels, np.full(missing, smaller))


def _draw_partners(
    members: npt.NDArray[np.float32], first: npt.NDArray[np.int64], mode: str, generator: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Draw, for each window in `first`, the window of the class that it is blended with."""
    if mode == "repeat" or len(members) == 1:
        return first
    if mode != "smote":
        return (first + generator.integers(1, len(members), size=len(first))) % len(members)
    from sklearn.neighbors import NearestNeighbors  # slow to import, and seldom needed

    flat = members.reshape(len(members), -1)
    search = NearestNeighbors(n_neighbors=min(NEIGHBORS, len(members) - 1)).fit(flat)
    neighbors: npt.NDArray[Any] = search.kneighbors(return_distance=False)
    return neighbors[first, generator.integers(neighbors.shape[1], size=len(first))]
