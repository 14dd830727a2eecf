"""Score every file, labeled or of the pool, with a model that was not trained on its recorder."""

import warnings
from collections.abc import Set
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

from hardneg.common import process_pool
from hardneg.common.errors import InputError
from hardneg.common.log import logger
from hardneg.features import store
from hardneg.models.background import select_windows
from hardneg.models.batches import TrainingWindows
from hardneg.models.file_scores import score_by_highest_window
from hardneg.models.inference import predict_confidences
from hardneg.models.training import train
from hardneg.models.training_settings import TrainingSettings
from hardneg.recordings.stretches import select_tested_windows, select_training_windows

COLUMNS = ["file_path", "recorder_id", "group", "start_s", "end_s", "array", "row", "label", "origin"]
SCORE_COLUMNS = ["file_path", "recorder_id", "confidence", "label", "origin"]
UNITS = {"recorder_id": "recorders", "group": "recorder-nights", "file_path": "files"}


@dataclass(frozen=True, slots=True)
class CrossFitSettings:
    """Settings of one pass of cross-fitting.

    Attributes
    ----------
    folds : number of folds, at most.
    pool_files : the most pool files to train on; the hardest are taken.
    training : settings of each fold's training.
    seed : seed of the folds; each fold trains with this seed plus its number.
    """

    folds: int
    pool_files: int
    training: TrainingSettings
    seed: int


def collect_windows(
    labelled: pd.DataFrame,
    labelled_index: pd.DataFrame,
    scores: pd.DataFrame,
    pool_index: pd.DataFrame,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Collect the windows to cross-fit on, with every pool file taken for a negative.

    All training positives are included, those of low quality too, and not only the subset of the mining model. An
    unlabeled call in the pool may be as faint as any labeled one.

    Parameters
    ----------
    labelled : checked recordings outside the pool.
    labelled_index, pool_index : where the features of each window are stored.
    scores : one row per pool file with its hardest window; only this window is included.

    Returns
    -------
    windows, validation : rows with the columns of :data:`COLUMNS`. ``label`` is 1 or 0; ``origin`` is positive,
        negative or pool. The second table contains the val split, which selects each model's epoch.
    """
    train_windows, validation = (
        select(
            labelled[rows][["file_path", "recorder_id", "group", "label"]].merge(
                labelled_index, on="file_path", validate="1:m"
            )
        ).assign(origin=lambda table: table.label, label=lambda table: (table.label == "positive").astype(int))
        for rows, select in (
            (labelled.split == "train", select_training_windows),
            (labelled.split == "val", select_tested_windows),
        )
    )
    hardest = store.locate_windows(scores[["file_path", "recorder_id", "group", "start_s"]], pool_index)
    pool = hardest.assign(origin="pool", label=0)
    return pd.concat([train_windows[COLUMNS], pool[COLUMNS]], ignore_index=True), validation[COLUMNS]


def assign_folds(windows: pd.DataFrame, folds: int, seed: int) -> pd.Series:
    """Assign each recorder to a fold, with similar shares of positives, negatives and pool files in each.

    With fewer recorders than folds, there are fewer folds. If a fold would leave only one class to train on, because
    one recorder has all positives, the folds divide recorder-nights instead, or files if that does not help either.
    :func:`hardneg.audit.reliability.assess_reliability` then reports no reliability at other recorders.

    Returns
    -------
    The fold of each window, counted from 0.

    Raises
    ------
    InputError
        If only one file has a label.
    """
    for unit, name in UNITS.items():
        count = min(folds, windows[unit].nunique(), windows.origin.value_counts().max())
        if count < 2:
            continue
        fold_of_window = pd.Series(-1, index=windows.index)
        splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The least populated class")
            for fold, (_, rows) in enumerate(splitter.split(windows, windows.origin, windows[unit])):
                fold_of_window.iloc[rows] = fold
        if all(windows.label[fold_of_window != fold].nunique() == 2 for fold in range(count)):
            if (unit, count) != ("recorder_id", folds):
                logger.warning("%d folds that divide %s, because of too few recorders", count, name)
            return fold_of_window
    raise InputError(
        "the audit needs at least two labeled positives, and two negatives of the train split or the pool."
    )


def score_folds(
    windows: pd.DataFrame,
    validation: pd.DataFrame,
    suspects: Set[str],
    settings: CrossFitSettings,
    device: str,
    processes: int,
) -> pd.DataFrame:
    """Score every file in one pass of cross-fitting, several folds at a time; see :func:`assign_folds`.

    Parameters
    ----------
    processes : number of folds to train at the same time, each in a process of one thread. On a GPU, they are trained
        one after the other.
    """
    windows = windows.assign(fold=assign_folds(windows, settings.folds, settings.seed))
    folds = range(windows.fold.max() + 1)
    score = partial(score_fold, windows, validation, suspects, settings=settings, device=device)
    workers = min(processes, len(folds)) if device == "cpu" else 1
    return pd.concat(process_pool.map_in_order(score, folds, workers), ignore_index=True)


def score_fold(
    windows: pd.DataFrame,
    validation: pd.DataFrame,
    suspects: Set[str],
    fold: int,
    settings: CrossFitSettings,
    device: str,
) -> pd.DataFrame:
    """Train on the other folds and score this one.

    Parameters
    ----------
    windows, validation : from :func:`collect_windows`; `windows` with a column `fold`.
    suspects : pool files that an earlier pass took for unlabeled positives. The model does not train on them, because
        it would learn to score similar files low. They are scored like all others.
    fold : number of the fold, counted from 0.
    settings : settings of the pass.
    device : see :func:`hardneg.models.training.train`.

    Returns
    -------
    One row per file of this fold, with the columns :data:`SCORE_COLUMNS`.

    Raises
    ------
    InputError
        If the other folds contain only one class without the suspects.
    """
    is_pool = windows.origin == "pool"
    pool_rank = is_pool.cumsum()
    trainable = ~is_pool | ((pool_rank <= settings.pool_files) & ~windows.file_path.isin(suspects))
    train_windows = windows[(windows.fold != fold) & trainable]
    held_out = windows[windows.fold == fold]
    if train_windows.label.nunique() < 2:
        raise InputError(
            f"the audit's fold {fold} has only one class to train on: lower audit.folds, or label files of more "
            "recorders."
        )
    if held_out.empty:
        return pd.DataFrame(columns=SCORE_COLUMNS)
    logger.info("fold %d: training on %s", fold, train_windows.origin.value_counts().to_dict())
    background = train_windows[train_windows.origin == "negative"]
    has_background = settings.training.augmentation.background != "none"
    trained = train(
        TrainingWindows.from_table(store.load(train_windows), train_windows),
        store.load(validation),
        validation,
        settings.training,
        settings.seed + fold,
        device,
        background=store.load(select_windows(background)) if has_background else None,
        name=f"the audit's fold {fold}",
    )
    parts = store.load_in_parts(held_out)
    confidence = np.concatenate([predict_confidences(trained.network, part, device) for part in parts])
    best = score_by_highest_window(held_out.assign(confidence=confidence))[["file_path", "confidence"]]
    files = held_out[["file_path", "recorder_id", "label", "origin"]].drop_duplicates("file_path")
    return best.merge(files, on="file_path")[SCORE_COLUMNS]
