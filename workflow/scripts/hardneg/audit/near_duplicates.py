"""Find recordings that are nearly the same: copies at another gain, or the same moment on two recorders."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.fft import irfft, next_fast_len, rfft
from sklearn.neighbors import NearestNeighbors
from sklearn.random_projection import GaussianRandomProjection

from hardneg.common.log import track_progress
from hardneg.features import store

BANDS = 32
DIMENSIONS = 128
NEIGHBORS = 5
MIN_OVERLAP = 0.5  # of two spectrograms, as a share of their length
CHUNK_WINDOWS = 2048
MAX_BLOCK_CELLS = 1 << 26  # bounds the memory of one block of comparisons

FloatArray = npt.NDArray[np.float32]
Block = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""Two lists of windows; each window of the first is compared with each of the second."""


def select_windows(
    labelled: pd.DataFrame,
    labelled_index: pd.DataFrame,
    scores: pd.DataFrame,
    pool_index: pd.DataFrame,
    pool_files: int,
) -> pd.DataFrame:
    """Select the windows to compare: all windows of labeled positives, and the hardest window of the hardest files.

    Parameters
    ----------
    labelled : checked recordings outside the pool.
    labelled_index, pool_index : where the features of each window are stored.
    scores : one row per pool file with its hardest window, the hardest first.
    pool_files : the most pool files to compare.

    Returns
    -------
    ``file_path, night, start_s, end_s, array, row`` and ``origin`` (positive or pool); the pool's hardest first.
    """
    positives = labelled[labelled.label == "positive"][["file_path", "night"]].merge(labelled_index, on="file_path")
    hardest = store.locate_windows(scores.head(pool_files)[["file_path", "night", "start_s"]], pool_index)
    return pd.concat([positives.assign(origin="positive"), hardest.assign(origin="pool")], ignore_index=True)


def find_near_duplicates(windows: pd.DataFrame, min_similarity: float) -> pd.DataFrame:
    """Find the pool files that are nearly the same as a labeled positive or as a harder pool file.

    Parameters
    ----------
    windows : from :func:`select_windows`.
    min_similarity : see :func:`find_similar_pairs`.

    Returns
    -------
    ``file_path, similarity, similar_to``: one row per near-duplicate, with the recording that it is most similar to.
    """
    ordered = windows.sort_values("origin", key=lambda origin: origin == "pool", kind="stable", ignore_index=True)
    pairs = find_similar_pairs(store.load(ordered), list(ordered.night.fillna("")), min_similarity)
    prefix = ordered.origin[pairs["first"]].map({"positive": "the labeled positive ", "pool": ""}).to_numpy()
    paths = ordered.file_path
    similar = pd.DataFrame(
        {
            "file_path": paths[pairs["second"]].to_numpy(),
            "similarity": pairs.similarity.to_numpy(),
            "similar_to": prefix + paths[pairs["first"]].to_numpy(),
        }
    )
    similar = similar[(ordered.origin[pairs["second"]] == "pool").to_numpy()]
    similar = similar.sort_values(["similarity", "similar_to"], ascending=[False, True])
    return similar.drop_duplicates("file_path").sort_values("file_path", ignore_index=True)


def find_similar_pairs(windows: npt.NDArray[np.floating], nights: Sequence[str], min_similarity: float) -> pd.DataFrame:
    """Find pairs of similar windows.

    Each window is compared with its nearest neighbors by descriptor, on any night. In addition, all spectrograms of
    one night are compared with each other, because recorders within earshot record the same sounds on the same night.
    The similarity of spectrograms is their correlation at the best lag (:func:`correlate_over_lags`), that of
    embeddings the cosine of their angle.

    Parameters
    ----------
    windows : features, shape (n, n_mels, frames) in dB or (n, embedding).
    nights : night of each window; ``""`` if unknown.
    min_similarity : the lowest similarity of a pair, in [0, 1].

    Returns
    -------
    ``first, second, similarity``: indexes of two windows with first < second, one row per pair.
    """
    descriptors = compute_descriptors(windows)
    blocks = list(_blocks_of_neighbors(descriptors))
    if windows.ndim == 3:
        blocks += _blocks_of_nights(nights, frames=windows.shape[2])
    parts = []
    for first, second in track_progress(blocks, len(blocks), "comparing windows"):
        if windows.ndim == 2:
            similarity = descriptors[first] @ descriptors[second].T
        else:
            similarity = correlate_over_lags(reduce_spectrograms(windows[first]), reduce_spectrograms(windows[second]))
        row, column = np.nonzero(similarity >= min_similarity)
        pair = np.sort(np.stack([first[row], second[column]], axis=1), axis=1)
        parts.append(pd.DataFrame(pair, columns=["first", "second"]).assign(similarity=similarity[row, column]))
    pairs = pd.concat(parts) if parts else pd.DataFrame(columns=["first", "second", "similarity"])
    pairs = pairs[pairs["first"] < pairs["second"]].drop_duplicates(["first", "second"])
    return pairs.sort_values(["first", "second"], ignore_index=True)


def _blocks_of_neighbors(descriptors: FloatArray) -> Iterator[Block]:
    neighbors = min(NEIGHBORS + 1, len(descriptors))
    search = NearestNeighbors(n_neighbors=neighbors, metric="cosine", algorithm="brute").fit(descriptors)
    nearest = search.kneighbors(descriptors, return_distance=False)
    for window, row in enumerate(nearest):
        yield np.array([window]), row[row != window]


def _blocks_of_nights(nights: Sequence[str], frames: int) -> Iterator[Block]:
    windows_of_night = pd.Series(range(len(nights))).groupby(list(nights), sort=True).indices
    for night, windows in windows_of_night.items():
        if night:
            rows = max(MAX_BLOCK_CELLS // max(2 * frames * len(windows), 1), 1)
            for start in range(0, len(windows), rows):
                yield windows[start : start + rows], windows


def compute_descriptors(windows: npt.NDArray[np.floating]) -> FloatArray:
    """Compute unit vectors that are close to each other where windows are similar.

    The descriptor of a spectrogram is the magnitude over modulation frequency of each band, which does not change
    with a shift in time. A random projection reduces it to 128 dimensions (W. Johnson and J. Lindenstrauss, 1984).
    An embedding is its own descriptor, scaled to length 1.

    Returns
    -------
    float32, shape (n, dimensions).
    """
    if windows.ndim == 2:
        return _scale_to_unit_length(windows.astype(np.float32))
    parts = []
    projection = None
    for start in range(0, len(windows), CHUNK_WINDOWS):
        bands = reduce_spectrograms(windows[start : start + CHUNK_WINDOWS])
        spectra = np.abs(rfft(bands, axis=2))[:, :, 1:].reshape(len(bands), -1)
        if projection is None:
            projection = GaussianRandomProjection(DIMENSIONS, random_state=0).fit(spectra[:1])
        parts.append(projection.transform(_scale_to_unit_length(spectra)).astype(np.float32))
    return _scale_to_unit_length(np.concatenate(parts))


def reduce_spectrograms(windows: npt.NDArray[np.floating]) -> FloatArray:
    """Sum mel bands to at most :data:`BANDS` and subtract each band's mean over time.

    The result does not depend on a recorder's gain or frequency response.

    Returns
    -------
    float32, shape (n, bands, frames).
    """
    edges = np.linspace(0, windows.shape[1], min(BANDS, windows.shape[1]) + 1).round().astype(int)[:-1]
    bands = np.add.reduceat(windows.astype(np.float32), edges, axis=1)
    reduced: FloatArray = bands - bands.mean(axis=2, keepdims=True)
    return reduced


def correlate_over_lags(first: FloatArray, second: FloatArray) -> FloatArray:
    """Compute the highest normalized correlation of spectrograms over all lags at which they overlap by half or more.

    The fine structure of noise works as a fingerprint. Two recordings of the same moment correlate far more than two
    recordings of the same species.

    Parameters
    ----------
    first, second : from :func:`reduce_spectrograms`, shapes (n, bands, frames) and (m, bands, frames).

    Returns
    -------
    float32 in [-1, 1], shape (n, m).
    """
    frames = first.shape[2]
    size = next_fast_len(2 * frames, real=True)
    first_spectra, second_spectra = (np.moveaxis(rfft(side, size, axis=2), 2, 0) for side in (first, second))
    cross = irfft(first_spectra @ second_spectra.conj().transpose(0, 2, 1), size, axis=0)
    first_energy, second_energy = (
        np.pad(np.cumsum((side**2).sum(axis=1), axis=1), ((0, 0), (1, 0))) for side in (first, second)
    )
    max_lag = round((1 - MIN_OVERLAP) * frames)
    lags = np.arange(-max_lag, max_lag + 1)
    late, early = np.maximum(lags, 0), np.maximum(-lags, 0)
    first_overlap = np.maximum(first_energy[:, frames - early] - first_energy[:, late], 1e-6).T
    second_overlap = np.maximum(second_energy[:, frames - late] - second_energy[:, early], 1e-6).T
    cross[lags] /= np.sqrt(first_overlap[:, :, None] * second_overlap[:, None])
    correlation: FloatArray = np.clip(cross[lags].max(axis=0), -1, 1)
    return correlation


def _scale_to_unit_length(vectors: FloatArray) -> FloatArray:
    scaled: FloatArray = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return scaled
