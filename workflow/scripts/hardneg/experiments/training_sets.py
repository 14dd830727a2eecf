"""Compose the windows that a run trains and validates on."""

import numpy as np
import pandas as pd

from hardneg.common.errors import InputError
from hardneg.common.hashing import uniform

COLUMNS = ["file_path", "start_s", "end_s", "array", "row", "label", "group", "origin"]


def compose(
    labelled: pd.DataFrame,
    positives: pd.DataFrame,
    labelled_index: pd.DataFrame,
    tier_windows: pd.DataFrame,
    reviewed_windows: pd.DataFrame,
    validation: str,
    internal_fraction: float,
    balance: bool,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compose the windows to train on and the windows to validate on.

    Every window of a labeled file has the label of the file. A mined file contributes only its hardest window.

    Parameters
    ----------
    labelled : checked recordings outside the pool.
    positives : the selected positives, with ``file_path``.
    labelled_index : the windows of `labelled`.
    tier_windows : the windows of the mined negatives, with ``group``; may be empty.
    reviewed_windows : the windows of pool files that reviewers labeled positive, likewise.
    validation : the scheme. ``holdout`` validates on the val split. ``internal`` validates on a share of the training
        recorder-nights, and removes them from training.
    internal_fraction : that share.
    balance : whether to cut the larger class of the training windows to the size of the smaller, at random.
    seed : decides the internal share and the cut.

    Returns
    -------
    train, validation : rows with the columns of :data:`COLUMNS`; ``label`` is 1 or 0, ``origin`` is positive,
        negative, mined or reviewed.

    Raises
    ------
    InputError
        If either set lacks a class.
    """
    in_training = labelled.split == "train"
    negatives = labelled[in_training & (labelled.label == "negative")]
    selected = labelled[in_training & labelled.file_path.isin(positives.file_path)]
    train = _join_windows(pd.concat([negatives, selected]), labelled_index)
    for windows, label, origin in ((tier_windows, 0, "mined"), (reviewed_windows, 1, "reviewed")):
        if len(windows):
            train = pd.concat([train, windows.assign(label=label, origin=origin)[COLUMNS]], ignore_index=True)
    if validation == "holdout":
        validated = _join_windows(labelled[labelled.split == "val"], labelled_index)
    else:
        in_validation = train.group.isin(draw_validation_nights(train, internal_fraction, seed))
        validated = train[in_validation].reset_index(drop=True)
        train = train[~in_validation].reset_index(drop=True)
    for name, windows in (("training", train), (f"validation ({validation})", validated)):
        if windows.label.nunique() < 2:
            count = windows.label.value_counts().to_dict()
            raise InputError(
                f"the {name} set needs both classes and has {count.get(1, 0)} positive and {count.get(0, 0)} negative "
                "windows: change the splits, or choose other recordings."
            )
    return (cut_to_smaller_class(train, seed) if balance else train), validated


def draw_validation_nights(windows: pd.DataFrame, fraction: float, seed: int) -> set[str]:
    """Draw a share of the recorder-nights by `seed`, separately among those with a positive and those without.

    At least one night of each kind is drawn, and at least one remains.
    """
    drawn: set[str] = set()
    has_positive = windows.groupby("group").label.max()
    for _, kind in has_positive.groupby(has_positive):
        nights = kind.index[np.argsort(uniform(list(kind.index), f"internal:{seed}"))]
        drawn.update(nights[: min(max(round(fraction * len(nights)), 1), len(nights) - 1)])
    return drawn


def cut_to_smaller_class(windows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Cut the larger class to the size of the smaller, with windows drawn by `seed` that stay in their order.

    The draw hashes the name of each window, so adding windows hardly changes which of the others are drawn.
    """
    names = [f"{path}@{start:g}" for path, start in zip(windows.file_path, windows.start_s, strict=True)]
    draw = pd.Series(uniform(names, f"balance:{seed}"), index=windows.index)
    rank = draw.groupby(windows.label).rank(method="first")
    return windows[rank <= windows.label.value_counts().min()].reset_index(drop=True)


def _join_windows(recordings: pd.DataFrame, index: pd.DataFrame) -> pd.DataFrame:
    """Join recordings with their windows, and set ``label`` (1 or 0) and ``origin``."""
    windows = recordings[["file_path", "label", "group"]].merge(index, on="file_path", how="left", validate="1:m")
    missing = windows["row"].isna()
    if missing.any():
        raise InputError(f"no features of {windows.file_path[missing].iloc[0]}: delete results/features and run again.")
    return windows.assign(
        origin=windows.label, label=(windows.label == "positive").astype(int), row=windows["row"].astype(int)
    )[COLUMNS]
