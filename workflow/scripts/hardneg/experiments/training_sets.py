"""Choose the windows that a run trains and validates on."""

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
    """List the windows to train on and those to validate on.

    Every window of a labelled file carries the file's label; of a mined file only its hardest window is taken.

    Parameters
    ----------
    labelled : checked recordings that are not of the pool.
    positives : ``file_path`` of the training positives chosen.
    labelled_index : the windows of `labelled`.
    tier_windows : the windows of the mined negatives, with ``group``; may be empty.
    reviewed_windows : those of the pool's files that people heard to be positive, likewise.
    validation : ``holdout`` validates on the val split; ``internal`` on a share of the training recorder-dates, which
        are then not trained on.
    internal_fraction : that share.
    balance : cut the larger class of the windows trained on to the size of the smaller, at random.
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
    train = labelled[(labelled.split == "train") & (labelled.label == "negative")]
    train = pd.concat([train, labelled[labelled.file_path.isin(positives.file_path) & (labelled.split == "train")]])
    train = _windows_of(train, labelled_index)
    for windows, label, origin in ((tier_windows, 0, "mined"), (reviewed_windows, 1, "reviewed")):
        if len(windows):
            train = pd.concat([train, windows.assign(label=label, origin=origin)[COLUMNS]], ignore_index=True)
    if validation == "holdout":
        held_out = _windows_of(labelled[labelled.split == "val"], labelled_index)
    else:
        groups = held_out_groups(train, internal_fraction, seed)
        held_out = train[train.group.isin(groups)].reset_index(drop=True)
        train = train[~train.group.isin(groups)].reset_index(drop=True)
    for name, windows in (("training", train), (f"validation ({validation})", held_out)):
        if windows.label.nunique() < 2:
            count = windows.label.value_counts().to_dict()
            raise InputError(
                f"the {name} set needs both classes and has {count.get(1, 0)} positive and {count.get(0, 0)} negative "
                "windows: change the splits, or choose other recordings."
            )
    return (cut_to_smaller_class(train, seed) if balance else train), held_out


def held_out_groups(windows: pd.DataFrame, fraction: float, seed: int) -> set[str]:
    """Draw a share of the recorder-dates by `seed`, among those with a positive and those without alike.

    At least one of each kind is drawn and at least one is left.
    """
    drawn: set[str] = set()
    kinds = windows.groupby("group").label.max()
    for _, kind in kinds.groupby(kinds):
        names = kind.index[np.argsort(uniform(list(kind.index), f"internal:{seed}"))]
        drawn.update(names[: min(max(round(fraction * len(names)), 1), len(names) - 1)])
    return drawn


def cut_to_smaller_class(windows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Keep as many windows of each class as the smaller has, drawn by `seed`, in their order.

    The draw hashes each window's name, so a window's fate does not hang on which others are there.
    """
    names = [f"{path}@{start:g}" for path, start in zip(windows.file_path, windows.start_s, strict=True)]
    order = pd.Series(uniform(names, f"balance:{seed}"), index=windows.index)
    rank = order.groupby(windows.label).rank(method="first")
    return windows[rank <= windows.label.value_counts().min()].reset_index(drop=True)


def _windows_of(recordings: pd.DataFrame, index: pd.DataFrame) -> pd.DataFrame:
    chosen = recordings[["file_path", "label", "group"]].merge(index, on="file_path", how="left", validate="1:m")
    lost = chosen["row"].isna()
    if lost.any():
        raise InputError(f"no features of {chosen.file_path[lost].iloc[0]}: delete results/features and run again.")
    return chosen.assign(
        origin=chosen.label, label=(chosen.label == "positive").astype(int), row=chosen["row"].astype(int)
    )[COLUMNS]
