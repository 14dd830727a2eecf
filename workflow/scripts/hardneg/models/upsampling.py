"""Fill up the smaller class of a training set."""

import numpy as np

NEIGHBOURS = 5
MODES = ("none", "repeat", "mean", "linear", "smote")


def upsample(
    windows: np.ndarray, labels: np.ndarray, mode: str, ratio: float, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Add windows to the smaller class until it has `ratio` times as many as the larger.

    Each added window starts from one drawn of the class: ``repeat`` takes it again; ``mean`` takes the mean of it and
    another of the class; ``linear`` a point drawn on the line between the two; ``smote`` a point on the line to one of
    its five nearest neighbours in the class (N. Chawla et al., "SMOTE", JAIR 16, 2002). The names are those of
    BirdNET-Analyzer.

    Parameters
    ----------
    windows : features, shape (n, ...); `labels` 1 or 0, shape (n,).
    mode : one of :data:`MODES`; ``none`` adds nothing.
    ratio : in (0, 1].

    Returns
    -------
    windows, labels : the given ones, and after them the added.
    """
    counts = np.bincount(labels, minlength=2)
    smaller = int(np.argmin(counts))
    wanted = round(ratio * counts.max()) - counts[smaller]
    if mode == "none" or wanted <= 0:
        return windows, labels
    held = windows[labels == smaller].astype(np.float32)
    first = generator.integers(len(held), size=wanted)
    second = _partners(held, first, mode, generator)
    share = 0.5 if mode == "mean" else generator.random(wanted, dtype=np.float32).reshape(-1, *[1] * (held.ndim - 1))
    added = held[first] + share * (held[second] - held[first])
    return np.concatenate([windows, added.astype(windows.dtype)]), np.append(labels, np.full(wanted, smaller))


def _partners(held: np.ndarray, first: np.ndarray, mode: str, generator: np.random.Generator) -> np.ndarray:
    if mode == "repeat" or len(held) == 1:
        return first
    if mode != "smote":
        return (first + generator.integers(1, len(held), size=len(first))) % len(held)
    from sklearn.neighbors import NearestNeighbors  # slow to import, and seldom needed

    flat = held.reshape(len(held), -1)
    near = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(held) - 1)).fit(flat).kneighbors(return_distance=False)
    return near[first, generator.integers(near.shape[1], size=len(first))]
