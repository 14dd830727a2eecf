"""Find recordings that are nearly the same: copies at another gain, or the same moment on two recorders."""

import numpy as np
import pandas as pd
from scipy.fft import irfft, next_fast_len, rfft
from sklearn.neighbors import NearestNeighbors
from sklearn.random_projection import GaussianRandomProjection

from hardneg.common.log import track_progress
from hardneg.features import store

BANDS = 32
DIMENSIONS = 128
NEIGHBOURS = 5
LEAST_OVERLAP = 0.5
CHUNK = 2048
CELLS = 1 << 26


def to_compare(
    labelled: pd.DataFrame,
    labelled_index: pd.DataFrame,
    scores: pd.DataFrame,
    pool_index: pd.DataFrame,
    pool_files: int,
) -> pd.DataFrame:
    """List what :func:`copies` compares: every window of a labelled positive, the hardest window of the hardest files.

    Parameters
    ----------
    labelled : checked recordings that are not of the pool.
    labelled_index, pool_index : which window is which row of which array.
    scores : one row per pool file with its hardest window, the hardest first.
    pool_files : so many of them at most.
    """
    positives = labelled[labelled.label == "positive"][["file_path", "date"]].merge(labelled_index, on="file_path")
    hardest = scores.head(pool_files)[["file_path", "date", "start_s"]]
    hardest = hardest.merge(pool_index, on=["file_path", "start_s"], validate="1:1")
    return pd.concat([positives.assign(origin="positive"), hardest.assign(origin="pool")], ignore_index=True)


def copies(windows: pd.DataFrame, least_similarity: float) -> pd.DataFrame:
    """Find the pool files that are nearly the same as a labelled positive or as a pool file listed before them.

    Parameters
    ----------
    windows : ``file_path, date, origin`` (pool or positive), ``array, row``; the pool's hardest first.

    Returns
    -------
    ``file_path, similarity, similar_to``: one row per pool file that is alike to another, with what it is most like.
    """
    ordered = windows.sort_values("origin", key=lambda origin: origin == "pool", kind="stable", ignore_index=True)
    pairs = near_copies(store.load(ordered), list(ordered.date.fillna("")), least_similarity)
    known = ordered.origin[pairs["first"]].map({"positive": "the labelled positive ", "pool": ""}).to_numpy()
    paths = ordered.file_path
    found = pd.DataFrame(
        {
            "file_path": paths[pairs["second"]].to_numpy(),
            "similarity": pairs.similarity.to_numpy(),
            "similar_to": known + paths[pairs["first"]].to_numpy(),
        }
    )
    found = found[(ordered.origin[pairs["second"]] == "pool").to_numpy()]
    found = found.sort_values(["similarity", "similar_to"], ascending=[False, True])
    return found.drop_duplicates("file_path").sort_values("file_path", ignore_index=True)


def near_copies(windows: np.ndarray, dates: list[str], least_similarity: float) -> pd.DataFrame:
    """Find pairs of windows that are alike.

    Compared are each window with its nearest neighbours by a descriptor, whatever their dates, and all spectrograms
    of one date with each other, at every lag (:func:`lagged_correlation`): recorders that hear each other do so on the
    same night. Embeddings are compared by the cosine of their angle.

    Parameters
    ----------
    windows : features, shape (n, n_mels, frames) in dB or (n, embedding).
    dates : of each window; ``""`` where unknown.
    least_similarity : in [0, 1].

    Returns
    -------
    ``first, second, similarity``: places in `windows` with first < second, one row per pair at least so alike.
    """
    vectors = descriptors(windows)
    near = _neighbours(vectors)
    blocks = [(np.array([place]), near[place][near[place] != place]) for place in range(len(windows))]
    if windows.ndim == 3:
        known = pd.Series(range(len(windows))).groupby(list(dates), sort=True).indices
        for date, places in known.items():
            rows = max(CELLS // max(2 * windows.shape[2] * len(places), 1), 1)
            blocks += [(places[start : start + rows], places) for start in range(0, len(places) * (date != ""), rows)]
    parts = []
    for first, second in track_progress(blocks, len(blocks), "comparing windows"):
        if windows.ndim == 2:
            similarity = vectors[first] @ vectors[second].T
        else:
            similarity = lagged_correlation(reduced(windows[first]), reduced(windows[second]))
        row, column = np.nonzero(similarity >= least_similarity)
        pair = np.sort(np.stack([first[row], second[column]], axis=1), axis=1)
        parts.append(pd.DataFrame(pair, columns=["first", "second"]).assign(similarity=similarity[row, column]))
    found = pd.concat(parts) if parts else pd.DataFrame(columns=["first", "second", "similarity"])
    found = found[found["first"] < found["second"]].drop_duplicates(["first", "second"])
    return found.sort_values(["first", "second"], ignore_index=True)


def descriptors(windows: np.ndarray) -> np.ndarray:
    """Unit vectors that are alike where windows are.

    Of a spectrogram: the magnitude over modulation frequency of every band, which a shift in time leaves as it is,
    by random projection to 128 dimensions (W. Johnson and J. Lindenstrauss, 1984). An embedding is its own.

    Returns
    -------
    float32, shape (n, dimensions).
    """
    if windows.ndim == 2:
        return _unit(windows.astype(np.float32))
    parts = []
    projection = None
    for start in range(0, len(windows), CHUNK):
        bands = reduced(windows[start : start + CHUNK])
        spectra = np.abs(rfft(bands, axis=2))[:, :, 1:].reshape(len(bands), -1)
        if projection is None:
            projection = GaussianRandomProjection(DIMENSIONS, random_state=0).fit(spectra[:1])
        parts.append(projection.transform(_unit(spectra)).astype(np.float32))
    return _unit(np.concatenate(parts))


def reduced(windows: np.ndarray) -> np.ndarray:
    """Average mel bands to at most :data:`BANDS` and take each band's mean over time away.

    What is left does not change with a recorder's gain or frequency response.

    Returns
    -------
    float32, shape (n, bands, frames).
    """
    edges = np.linspace(0, windows.shape[1], min(BANDS, windows.shape[1]) + 1).round().astype(int)[:-1]
    bands = np.add.reduceat(windows.astype(np.float32), edges, axis=1)
    return bands - bands.mean(axis=2, keepdims=True)


def lagged_correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Highest normalised correlation of spectrograms over all lags at which they overlap by half.

    The fine grain of noise is a fingerprint: two recordings of the same moment correlate well above two of the same
    species.

    Parameters
    ----------
    first, second : from :func:`reduced`, shapes (n, bands, frames) and (m, bands, frames).

    Returns
    -------
    float32 in [-1, 1], shape (n, m).
    """
    frames = first.shape[2]
    size = next_fast_len(2 * frames, real=True)
    ours, theirs = (np.moveaxis(rfft(side, size, axis=2), 2, 0) for side in (first, second))
    cross = irfft(ours @ theirs.conj().transpose(0, 2, 1), size, axis=0)
    energy, other = (np.pad(np.cumsum((side**2).sum(axis=1), axis=1), ((0, 0), (1, 0))) for side in (first, second))
    most = round((1 - LEAST_OVERLAP) * frames)
    lags = np.arange(-most, most + 1)
    late, early = np.maximum(lags, 0), np.maximum(-lags, 0)
    mine = np.maximum(energy[:, frames - early] - energy[:, late], 1e-6).T
    yours = np.maximum(other[:, frames - late] - other[:, early], 1e-6).T
    cross[lags] /= np.sqrt(mine[:, :, None] * yours[:, None])
    return np.clip(cross[lags].max(axis=0), -1, 1)


def _neighbours(vectors: np.ndarray) -> np.ndarray:
    search = NearestNeighbors(n_neighbors=min(NEIGHBOURS + 1, len(vectors)), metric="cosine", algorithm="brute")
    return search.fit(vectors).kneighbors(vectors, return_distance=False)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
