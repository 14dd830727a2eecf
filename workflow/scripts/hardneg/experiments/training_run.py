"""Train one run of the matrix, from files to files."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from hardneg.common import provenance, tables
from hardneg.common.log import logger
from hardneg.experiments.training_sets import compose
from hardneg.features import store
from hardneg.models import checkpoints
from hardneg.models.training import train
from hardneg.models.training_settings import TrainingSettings
from hardneg.recordings.nights import name_recorder_nights

WINDOW_COLUMNS = ["file_path", "start_s", "end_s", "array", "row", "group"]


@dataclass(frozen=True, slots=True)
class RunInputs:
    """Paths of the tables that a run trains on.

    Attributes
    ----------
    labelled : checked recordings outside the pool.
    positives : the positive subset.
    index : the windows of `labelled`.
    tier : the negative tier; empty for a run without mined negatives.
    pool_index : the windows of the pool; needed for a tier and for reviewed positives.
    """

    labelled: str
    positives: str
    index: str
    tier: str = ""
    pool_index: str = ""


@dataclass(frozen=True, slots=True)
class RunOutputs:
    """Paths of what a run writes.

    Attributes
    ----------
    weights : of the model. `description` is the file beside it.
    history : one row per epoch.
    validation_scores : file scores at the best epoch.
    training_set : the windows that the run was trained on.
    """

    weights: str
    description: str
    history: str
    validation_scores: str
    training_set: str


@dataclass(frozen=True, slots=True)
class RunSettings:
    """The settings of one run.

    Attributes
    ----------
    axes : the value on each axis of the matrix, among them ``validation``.
    seed : decides everything random.
    training : how the detector is built and trained.
    input : the windows and features that the detector is trained on, as the configuration has them.
    """

    axes: Mapping[str, str]
    seed: int
    training: TrainingSettings
    input: Mapping[str, Any]


def train_run(inputs: RunInputs, outputs: RunOutputs, settings: RunSettings, device: str) -> None:
    """Compose the training set of one run, train, and write the model with a description of its origin.

    Parameters
    ----------
    device : a torch device.
    """
    training = settings.training
    tier_windows = locate_mined_windows(inputs.tier, inputs.pool_index)
    positives = tables.read(inputs.positives)
    train_windows, validation_windows = compose(
        tables.read(inputs.labelled),
        positives,
        tables.read(inputs.index),
        tier_windows,
        locate_reviewed_windows(positives, inputs.pool_index),
        validation=settings.axes["validation"],
        internal_fraction=training.internal_fraction,
        balance=training.balance,
        seed=settings.seed,
    )
    counts = train_windows.origin.value_counts()
    logger.info("training on %s", counts.to_dict())
    features = store.load(train_windows)
    result = train(
        features,
        train_windows.label.to_numpy(),
        store.load(validation_windows),
        validation_windows,
        training,
        settings.seed,
        device,
    )
    description = {
        "run": {**settings.axes, "seed": settings.seed},
        "input": dict(settings.input),
        "training": asdict(training),
        "shape": list(features.shape[1:]),
        "counts": {
            "train_positives": int(counts.get("positive", 0) + counts.get("reviewed", 0)),
            "train_negatives": int(counts.get("negative", 0)),
            "train_mined": int(counts.get("mined", 0)),
            "tier_files": len(tier_windows),
            "best_epoch": result.best_epoch,
        },
        "versions": provenance.collect_versions(device),
    }
    tables.write(result.history, outputs.history)
    tables.write(result.validation_scores, outputs.validation_scores)
    tables.write(train_windows.drop(columns=["array", "row"]), outputs.training_set)
    checkpoints.save(result.network, description, outputs.weights)


def locate_reviewed_windows(positives: pd.DataFrame, pool_index_path: str) -> pd.DataFrame:
    """Look up the features of the pool files in a positive subset: the window nearest to the one that was reviewed.

    Returns
    -------
    The columns of :func:`locate_mined_windows`; no row if the subset has no pool file.
    """
    reviewed = positives[positives.start_s.notna()].rename(columns={"start_s": "reviewed_s"})
    if reviewed.empty:
        return pd.DataFrame(columns=WINDOW_COLUMNS)
    reviewed = reviewed.assign(group=name_recorder_nights(reviewed))[["file_path", "group", "reviewed_s"]]
    index = tables.read_rows_of_files(pool_index_path, reviewed.file_path)
    windows = reviewed.merge(index, on="file_path", validate="1:m")
    nearest = (windows.start_s - windows.reviewed_s).abs().groupby(windows.file_path).idxmin()
    return windows.loc[nearest, WINDOW_COLUMNS].reset_index(drop=True)


def locate_mined_windows(tier_path: str, pool_index_path: str) -> pd.DataFrame:
    """Look up the features of the files of a tier: the window of each with the highest confidence.

    Returns
    -------
    ``file_path, start_s, end_s, array, row, group``; no row without a tier.
    """
    if not tier_path:
        return pd.DataFrame(columns=WINDOW_COLUMNS)
    tier = tables.read(tier_path)
    index = tables.read_rows_of_files(pool_index_path, tier.file_path)
    windows = tier[["file_path", "start_s"]].assign(group=name_recorder_nights(tier))
    return store.locate_windows(windows, index)[WINDOW_COLUMNS]
