"""Score every file by a model that trained on no file of its recorder: labelled and pool recordings alike."""

from collections.abc import Set

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

from hardneg.common.errors import InputError
from hardneg.common.log import logger
from hardneg.features import store
from hardneg.models.file_scores import score_by_highest_window
from hardneg.models.inference import predict_confidences
from hardneg.models.training import train
from hardneg.models.training_settings import TrainingSettings

COLUMNS = ["file_path", "recorder_id", "start_s", "end_s", "array", "row", "label", "origin"]


def compose(
    labelled: pd.DataFrame,
    labelled_index: pd.DataFrame,
    scores: pd.DataFrame,
    pool_index: pd.DataFrame,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """List the windows to cross-fit on, with the pool taken at its word: negative.

    All training positives are taken, those of low quality too: a hidden call may be as faint as any that was labelled,
    whatever the subset that the mining model trained on.

    Parameters
    ----------
    labelled : checked recordings that are not of the pool.
    labelled_index, pool_index : which window is which row of which array.
    scores : one row per pool file with its hardest window; that one window is taken.

    Returns
    -------
    windows, validation : rows with the columns of :data:`COLUMNS`; ``label`` is 1 or 0, ``origin`` is positive,
        negative or pool. The second holds the val split, on which each model's epoch is chosen.
    """
    known = [
        labelled[rows][["file_path", "recorder_id", "label"]]
        .merge(labelled_index, on="file_path", validate="1:m")
        .assign(origin=lambda table: table.label, label=lambda table: (table.label == "positive").astype(int))
        for rows in (labelled.split == "train", labelled.split == "val")
    ]
    hardest = scores[["file_path", "recorder_id", "start_s"]].merge(
        pool_index, on=["file_path", "start_s"], validate="1:1"
    )
    mined = hardest.assign(origin="pool", label=0)
    return pd.concat([known[0][COLUMNS], mined[COLUMNS]], ignore_index=True), known[1][COLUMNS]


def fold_of(windows: pd.DataFrame, folds: int, seed: int) -> pd.Series:
    """Deal the recorders into `folds` of like shares of positives, negatives and pool files.

    Raises
    ------
    InputError
        If there are fewer recorders than folds.
    """
    recorders = windows.recorder_id.nunique()
    if recorders < folds:
        raise InputError(f"the audit cannot deal {recorders} recorders into {folds} folds: lower audit.folds.")
    dealt = pd.Series(-1, index=windows.index)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    for fold, (_, held_out) in enumerate(splitter.split(windows, windows.origin, windows.recorder_id)):
        dealt.iloc[held_out] = fold
    return dealt


def score_fold(
    windows: pd.DataFrame,
    validation: pd.DataFrame,
    left_out: Set[str],
    fold: int,
    folds: int,
    pool_files: int,
    training: TrainingSettings,
    seed: int,
    device: str,
) -> pd.DataFrame:
    """Train on the other folds and score this one.

    Parameters
    ----------
    windows, validation : from :func:`compose`.
    left_out : paths not to train on: what an earlier pass took for unlabelled positives would teach this one to miss
        their like. They are scored all the same.
    fold : counted from 0.
    pool_files : train on at most so many files of the pool, the first listed (the hardest).
    training, seed, device : see :func:`hardneg.models.training.train`.

    Returns
    -------
    ``file_path, confidence, label, origin``: one row per file of this fold's recorders.
    """
    dealt = fold_of(windows, folds, seed)
    pool_place = (windows.origin == "pool").cumsum()
    trusted = (windows.origin != "pool") | ((pool_place <= pool_files) & ~windows.file_path.isin(left_out))
    fit = windows[(dealt != fold) & trusted]
    held_out = windows[dealt == fold]
    if fit.label.nunique() < 2:
        raise InputError(
            f"the audit's fold {fold} leaves one class only to train on: lower audit.folds, or label more recorders."
        )
    if held_out.empty:
        return pd.DataFrame(columns=["file_path", "confidence", "label", "origin"])
    logger.info("fold %d: training on %s", fold, fit.origin.value_counts().to_dict())
    trained = train(
        store.load(fit),
        fit.label.to_numpy(),
        store.load(validation),
        validation,
        training,
        seed + fold,
        device,
    )
    parts = store.load_in_parts(held_out)
    confidence = np.concatenate([predict_confidences(trained.network, part, device) for part in parts])
    best = score_by_highest_window(held_out.assign(confidence=confidence))[["file_path", "confidence"]]
    return best.merge(held_out[["file_path", "label", "origin"]].drop_duplicates("file_path"), on="file_path")
