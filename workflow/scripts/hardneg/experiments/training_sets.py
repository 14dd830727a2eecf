"""Compose the windows that a run trains and validates on.

The labeled windows are decided by positive subset, validation scheme and seed. Only then are mined windows added, so
that runs of one seed differ in the tier alone.
"""

from collections.abc import Callable, Set
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hardneg.common.errors import InputError
from hardneg.common.hashing import digest, uniform
from hardneg.common.log import logger
from hardneg.models.batches import name_windows
from hardneg.models.training_settings import TrainingSettings
from hardneg.recordings.stretches import select_tested_windows, select_training_windows

COLUMNS = ["file_path", "start_s", "end_s", "array", "row", "label", "group", "origin"]


@dataclass(frozen=True, slots=True)
class WindowSources:
    """The tables that the windows of a run are taken from.

    Attributes
    ----------
    labelled : checked recordings outside the pool.
    positives : the selected positives, with ``file_path``.
    labelled_index : the windows of `labelled`.
    mined : the windows of the mined negatives, with ``group``; may be empty.
    reviewed : the windows of pool files that reviewers labeled positive, with the same columns.
    """

    labelled: pd.DataFrame
    positives: pd.DataFrame
    labelled_index: pd.DataFrame
    mined: pd.DataFrame
    reviewed: pd.DataFrame


@dataclass(frozen=True, slots=True)
class ComposedSet:
    """The windows of a run.

    Attributes
    ----------
    train, validation : rows with the columns of :data:`COLUMNS`; ``label`` is 1 or 0, ``origin`` is positive,
        negative, mined or reviewed.
    labelled_count : number of labelled windows (all but the mined ones) before the tier is added.
    labelled_negatives : rows of the labelled negatives before any left for mined ones.
    labelled_hash : a hash of the labelled windows. It is the same for all runs of one positive subset, validation
        scheme and seed, unless classes are cut.
    warning : what limits a comparison with other runs; empty if nothing does.
    """

    train: pd.DataFrame
    validation: pd.DataFrame
    labelled_count: int
    labelled_negatives: pd.DataFrame
    labelled_hash: str
    warning: str


def compose(sources: WindowSources, validation: str, training: TrainingSettings, seed: int) -> ComposedSet:
    """Compose the windows to train on and the windows to validate on.

    Every window of a labeled file has the label of the file, unless its stretches are labeled; see
    :mod:`hardneg.recordings.stretches`.

    Parameters
    ----------
    validation : the scheme. ``holdout`` validates on the val split. ``internal`` validates on a share of the labelled
        training recorder-nights. Nothing of these nights is trained on.
    training : ``internal_fraction, balance`` and ``mined``.
    seed : decides the internal share, which negatives are replaced, and the cut.

    Raises
    ------
    InputError
        If either set lacks a class.
    """
    labelled = sources.labelled
    in_training = labelled.split == "train"
    negatives = labelled[in_training & (labelled.label == "negative")]
    selected = labelled[in_training & labelled.file_path.isin(sources.positives.file_path)]
    files = pd.concat([negatives, selected])
    windows = _join_windows(files, sources.labelled_index, select_training_windows)
    held_out: Set[str] = set()
    if validation == "internal":
        held_out = draw_validation_nights(windows, training.internal_fraction, seed)
        validated = _join_windows(files[files.group.isin(held_out)], sources.labelled_index, select_tested_windows)
    else:
        validated = _join_windows(labelled[labelled.split == "val"], sources.labelled_index, select_tested_windows)
    fixed = _drop_nights(_append(windows, sources.reviewed, 1, "reviewed"), held_out)
    mined = _drop_nights(_append(windows.head(0), sources.mined, 0, "mined"), held_out)
    kept = drop_replaced(fixed, len(mined), seed) if training.mined == "replace" else fixed
    train = pd.concat([kept, mined], ignore_index=True) if len(mined) else kept
    _check_classes({"training": train, f"validation ({validation})": validated})
    negative = fixed[fixed.origin == "negative"]
    if training.balance != "cut":
        return ComposedSet(train, validated, len(fixed), negative, hash_windows(fixed), "")
    cut = cut_to_smaller_class(train, seed)
    warning = describe_cut(train, cut)
    if warning:
        logger.warning("%s", warning)
    return ComposedSet(cut, validated, len(fixed), negative, hash_windows(cut[cut.origin != "mined"]), warning)


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


def drop_replaced(windows: pd.DataFrame, count: int, seed: int) -> pd.DataFrame:
    """Drop `count` labeled negatives, drawn by `seed`, to make room for as many mined windows.

    The draw hashes the name of each window. A larger tier replaces all that a smaller tier replaces, and more.
    """
    negatives = windows[windows.origin == "negative"]
    draw = pd.Series(uniform(name_windows(negatives), f"replace:{seed}"), index=negatives.index)
    return windows.drop(index=draw.nsmallest(count).index).reset_index(drop=True)


def cut_to_smaller_class(windows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Cut the larger class to the size of the smaller, with windows drawn by `seed` that stay in their order.

    The draw hashes the name of each window, so adding windows hardly changes which of the others are drawn.
    """
    draw = pd.Series(uniform(name_windows(windows), f"balance:{seed}"), index=windows.index)
    rank = draw.groupby(windows.label).rank(method="first")
    return windows[rank <= windows.label.value_counts().min()].reset_index(drop=True)


def describe_cut(windows: pd.DataFrame, cut: pd.DataFrame) -> str:
    """Describe what cutting the larger class removed; empty if it removed nothing."""
    removed = windows.origin.value_counts().sub(cut.origin.value_counts(), fill_value=0).astype(int)
    parts = [
        f"{removed[origin]} of {(windows.origin == origin).sum()} {origin}" for origin in removed[removed > 0].index
    ]
    if not parts:
        return ""
    return (
        f"training.balance: cut removed {', '.join(parts)} windows after the tier was added. Runs then differ in more "
        "than the tier."
    )


def hash_windows(windows: pd.DataFrame) -> str:
    """Hash which windows a set contains, with which labels; their order does not matter.

    The hash begins with a letter, because a CSV file cannot mark digits as text.
    """
    return "w" + digest(sorted(zip(name_windows(windows), windows.label.astype(int).tolist(), strict=True)))


def _append(windows: pd.DataFrame, added: pd.DataFrame, label: int, origin: str) -> pd.DataFrame:
    if added.empty:
        return windows
    return pd.concat([windows, added.assign(label=label, origin=origin)[COLUMNS]], ignore_index=True)


def _drop_nights(windows: pd.DataFrame, nights: Set[str]) -> pd.DataFrame:
    return windows[~windows.group.isin(nights)].reset_index(drop=True) if nights else windows


def _check_classes(sets: dict[str, pd.DataFrame]) -> None:
    for name, windows in sets.items():
        if windows.label.nunique() < 2:
            count = windows.label.value_counts().to_dict()
            raise InputError(
                f"the {name} set needs both classes and has {count.get(1, 0)} positive and {count.get(0, 0)} negative "
                "windows: change the splits, or choose other recordings."
            )


def _join_windows(
    recordings: pd.DataFrame, index: pd.DataFrame, select: Callable[[pd.DataFrame], pd.DataFrame]
) -> pd.DataFrame:
    """Join recordings with their selected windows, and set ``label`` (1 or 0) and ``origin``."""
    windows = recordings[["file_path", "label", "group"]].merge(index, on="file_path", how="left", validate="1:m")
    missing = windows["row"].isna()
    if missing.any():
        raise InputError(f"no features of {windows.file_path[missing].iloc[0]}: delete results/features and run again.")
    windows = select(windows)
    return windows.assign(
        origin=windows.label, label=(windows.label == "positive").astype(int), row=windows["row"].astype(int)
    )[COLUMNS].reset_index(drop=True)
