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
from hardneg.recordings.stretches import select_training_windows

BANDS = 32
DIMENSIONS = 128
NEIGHBORS = 5
COMPARED_SPLITS = ("train", "val")
MIN_OVERLAP = 0.5  # of two sounds, as a share of the shorter one
CHUNK_WINDOWS = 2048
MAX_BLOCK_CELLS = 1 << 24  # bounds the memory of one block of comparisons

FloatArray = npt.NDArray[np.float32]
FrameCounts = npt.NDArray[np.int64]
Block = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""Two lists of windows; each window of the first is compared with each of the second."""


def select_windows(
    labelled: pd.DataFrame,
    labelled_index: pd.DataFrame,
    scores: pd.DataFrame,
    pool_index: pd.DataFrame,
    pool: pd.DataFrame,
    pool_files: int,
) -> pd.DataFrame:
    """Select the windows to compare: those of labeled positives, and the hardest window of the hardest pool files.

    Positives of the test splits are left out. Otherwise, the test recordings would decide what is trained on.

    Parameters
    ----------
    labelled : checked recordings outside the pool.
    labelled_index, pool_index : where the features of each window are stored.
    scores : one row per pool file with its hardest window, the hardest first.
    pool : checked recordings of the pool.
    pool_files : the most pool files to compare.

    Returns
    -------
    ``file_path, night, start_s, end_s, array, row``; ``origin`` (positive or pool); and ``sound_share``, the share of
    the window that is sound and not padding. The pool's hardest windows come first.
    """
    is_compared = (labelled.label == "positive") & labelled.split.isin(COMPARED_SPLITS)
    columns = ["file_path", "night", "duration_s", "label"]
    positives = select_training_windows(labelled[is_compared][columns].merge(labelled_index, on="file_path"))
    positives = positives[positives.label == "positive"].drop(columns="label")
    hardest = scores.head(pool_files)[["file_path", "night", "start_s"]].merge(
        pool[["file_path", "duration_s"]], on="file_path", validate="1:1"
    )
    hardest = store.locate_windows(hardest, pool_index)
    windows = pd.concat([positives.assign(origin="positive"), hardest.assign(origin="pool")], ignore_index=True)
    sound_s = np.minimum(windows.end_s, windows.duration_s) - windows.start_s
    share = (sound_s / (windows.end_s - windows.start_s)).clip(0, 1)
    return windows.drop(columns="duration_s").assign(sound_share=share)


def find_near_duplicates(windows: pd.DataFrame, min_similarity: float) -> pd.DataFrame:
    """Find the pool files that are nearly the same as a labeled positive or as a harder pool file.

    An embedding cannot be separated from its window's padding. Embeddings of windows that are mostly padding are
    therefore not compared.

    Parameters
    ----------
    windows : from :func:`select_windows`.
    min_similarity : see :func:`find_similar_pairs`.

    Returns
    -------
    ``file_path, similarity, similar_to``: one row per near-duplicate, with the recording that it is most similar to.
    """
    ordered = windows.sort_values("origin", key=lambda origin: origin == "pool", kind="stable", ignore_index=True)
    features = store.load(ordered)
    if features.ndim == 2:
        is_sound = (ordered.sound_share >= MIN_OVERLAP).to_numpy()
        ordered, features = ordered[is_sound].reset_index(drop=True), features[is_sound]
    shares = ordered.sound_share.to_numpy()
    pairs = find_similar_pairs(features, list(ordered.night.fillna("")), shares, min_similarity)
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


def find_similar_pairs(
    windows: npt.NDArray[np.floating],
    nights: Sequence[str],
    sound_shares: npt.NDArray[np.float64],
    min_similarity: float,
) -> pd.DataFrame:
    """Find pairs of similar windows.

    Each window is compared with its nearest neighbors by descriptor, on any night. In addition, all spectrograms of
    one night are compared with each other, because recorders within earshot record the same sounds on the same night.
    The similarity of spectrograms is their correlation at the best lag (:func:`correlate_over_lags`), that of
    embeddings the cosine of their angle.

    Parameters
    ----------
    windows : features, shape (n, n_mels, frames) in dB or (n, embedding).
    nights : night of each window; ``""`` if unknown.
    sound_shares : share of each spectrogram that is sound, from its start; the rest is padding. Shape (n,).
    min_similarity : the lowest similarity of a pair, in [0, 1].

    Returns
    -------
    ``first, second, similarity``: indexes of two windows with first < second, one row per pair.
    """
    lengths = count_sound_frames(windows, sound_shares) if windows.ndim == 3 else None
    descriptors = compute_descriptors(windows, lengths)
    blocks = list(_blocks_of_neighbors(descriptors)) if len(windows) else []
    if windows.ndim == 3:
        blocks += _blocks_of_nights(nights, frames=windows.shape[2])
    parts = []
    for first, second in track_progress(blocks, len(blocks), "comparing windows"):
        if lengths is None:
            similarity = descriptors[first] @ descriptors[second].T
        else:
            one, other = (reduce_spectrograms(windows[side], lengths[side]) for side in (first, second))
            similarity = correlate_over_lags(one, other, lengths[first], lengths[second])
        row, column = np.nonzero(similarity >= min_similarity)
        pair = np.sort(np.stack([first[row], second[column]], axis=1), axis=1)
        parts.append(pd.DataFrame(pair, columns=["first", "second"]).assign(similarity=similarity[row, column]))
    pairs = pd.concat(parts) if parts else pd.DataFrame(columns=["first", "second", "similarity"])
    pairs = pairs[pairs["first"] < pairs["second"]].drop_duplicates(["first", "second"])
    return pairs.sort_values(["first", "second"], ignore_index=True)


def count_sound_frames(windows: npt.NDArray[np.floating], sound_shares: npt.NDArray[np.float64]) -> FrameCounts:
    """Count the frames of each spectrogram that are sound. The frame in which padding begins does not count.

    Returns
    -------
    int64, shape (n,); at least 1.
    """
    frames = windows.shape[2]
    whole = np.where(sound_shares < 1, np.floor(sound_shares * frames) - 1, frames)
    lengths: FrameCounts = np.clip(whole, 1, frames).astype(np.int64)
    return lengths


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


def compute_descriptors(windows: npt.NDArray[np.floating], lengths: FrameCounts | None = None) -> FloatArray:
    """Compute unit vectors that are close to each other where windows are similar.

    The descriptor of a spectrogram is the magnitude over modulation frequency of each band, which does not change
    with a shift in time. A random projection reduces it to 128 dimensions (W. Johnson and J. Lindenstrauss, 1984).
    An embedding is its own descriptor, scaled to length 1.

    Parameters
    ----------
    windows : features, shape (n, n_mels, frames) in dB or (n, embedding).
    lengths : see :func:`reduce_spectrograms`.

    Returns
    -------
    float32, shape (n, dimensions).
    """
    if windows.ndim == 2:
        return _scale_to_unit_length(windows.astype(np.float32))
    parts = []
    projection = None
    for start in range(0, len(windows), CHUNK_WINDOWS):
        chunk = slice(start, start + CHUNK_WINDOWS)
        bands = reduce_spectrograms(windows[chunk], None if lengths is None else lengths[chunk])
        spectra = np.abs(rfft(bands, axis=2))[:, :, 1:].reshape(len(bands), -1)
        if projection is None:
            projection = GaussianRandomProjection(DIMENSIONS, random_state=0).fit(spectra[:1])
        parts.append(projection.transform(_scale_to_unit_length(spectra)).astype(np.float32))
    return _scale_to_unit_length(np.concatenate(parts))


def reduce_spectrograms(windows: npt.NDArray[np.floating], lengths: FrameCounts | None = None) -> FloatArray:
    """Sum mel bands to at most :data:`BANDS` and subtract each band's mean over time.

    The result does not depend on a recorder's gain or frequency response.

    Parameters
    ----------
    windows : shape (n, n_mels, frames), in dB.
    lengths : number of frames of each window before its padding, shape (n,). By default, all frames.

    Returns
    -------
    float32, shape (n, bands, frames); 0 in the padding.
    """
    edges = np.linspace(0, windows.shape[1], min(BANDS, windows.shape[1]) + 1).round().astype(int)[:-1]
    bands = np.add.reduceat(windows.astype(np.float32), edges, axis=1)
    if lengths is None or (lengths == windows.shape[2]).all():
        reduced: FloatArray = bands - bands.mean(axis=2, keepdims=True)
        return reduced
    is_sound = np.arange(windows.shape[2]) < lengths[:, None, None]
    means = np.where(is_sound, bands, 0).sum(axis=2, keepdims=True) / lengths[:, None, None]
    return np.where(is_sound, bands - means, 0).astype(np.float32)


def correlate_over_lags(
    first: FloatArray, second: FloatArray, first_lengths: FrameCounts, second_lengths: FrameCounts
) -> FloatArray:
    """Compute the highest normalized correlation of spectrograms over the lags at which enough of them overlaps.

    The overlap must be at least half of the shorter sound. The fine structure of noise works as a fingerprint. Two
    recordings of the same moment correlate far more than two recordings of the same species.

    Parameters
    ----------
    first, second : from :func:`reduce_spectrograms`, shapes (n, bands, frames) and (m, bands, frames).
    first_lengths, second_lengths : frames of each before its padding, shapes (n,) and (m,).

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
    one, other = first_lengths[:, None], second_lengths[None]
    min_overlap = MIN_OVERLAP * np.minimum(one, other)
    max_lag = frames - int(np.ceil(min_overlap.min()))
    # Frame t of the second sound is at the same time as frame t + lag of the first.
    lag = np.arange(-max_lag, max_lag + 1)[:, None, None]
    start = np.maximum(lag, 0)
    end = np.maximum(np.minimum(one, other + lag), start)
    row, column = np.arange(len(first))[:, None], np.arange(len(second))[None]
    first_overlap = first_energy[row, end] - first_energy[row, start]
    second_overlap = second_energy[column, end - lag] - second_energy[column, start - lag]
    correlation = cross[lag[:, 0, 0]] / np.sqrt(np.maximum(first_overlap, 1e-6) * np.maximum(second_overlap, 1e-6))
    highest: FloatArray = np.where(end - start >= min_overlap, correlation, -1).max(axis=0)
    return np.clip(highest, -1, 1)


def _scale_to_unit_length(vectors: FloatArray) -> FloatArray:
    scaled: FloatArray = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return scaled
