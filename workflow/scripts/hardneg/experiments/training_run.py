"""Train one run of the matrix, from files to files."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from torch import nn

from hardneg.common import provenance, tables
from hardneg.common.log import logger
from hardneg.experiments.run_description import LEFT_OUT, RunCounts, RunDescription
from hardneg.experiments.training_sets import ComposedSet, WindowSources, compose, hash_windows
from hardneg.features import store
from hardneg.mining.hardest_windows import add_next_hardest
from hardneg.models import checkpoints
from hardneg.models.background import select_windows
from hardneg.models.batches import TrainingWindows
from hardneg.models.training import HISTORY_COLUMNS, TrainingResult, train
from hardneg.models.training_settings import TrainingSettings
from hardneg.recordings.nights import name_recorder_nights

WINDOW_COLUMNS = ["file_path", "start_s", "end_s", "array", "row", "group"]
SCORE_COLUMNS = ["file_path", "confidence", "start_s", "end_s", "label"]


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
    window_scores : the scored windows of the pool by each mining model that ranks the tier; needed for several windows
        of a mined file.
    background : windows of the pool that augmentation mixes in; needed for ``background: pool``.
    """

    labelled: str
    positives: str
    index: str
    tier: str = ""
    pool_index: str = ""
    window_scores: Sequence[str] = ()
    background: str = ""


@dataclass(frozen=True, slots=True)
class RunOutputs:
    """Paths of what a run writes.

    Attributes
    ----------
    weights : of the model. `description` is the file beside it.
    history : one row per epoch.
    validation_scores : file scores at the kept epoch.
    training_set : the windows that the run was trained on. ``draws`` is how often each was drawn for a batch, up to
        the epoch whose weights are kept.
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
    model_input : the windows and features that the detector is trained on, as the configuration has them.
    aggregation : ``mean`` or ``min``: how the scores of several mining models rank the windows of a mined file.
    leave_out_empty : whether to leave the run out if its tier has no file.
    """

    axes: Mapping[str, str]
    seed: int
    training: TrainingSettings
    model_input: Mapping[str, Any]
    aggregation: str = "mean"
    leave_out_empty: bool = True


def train_run(inputs: RunInputs, outputs: RunOutputs, settings: RunSettings, device: str) -> None:
    """Compose the training set of one run, train, and write the model with a description of its origin.

    A run whose tier has no file would equal the run without mined negatives. It is left out; see :func:`leave_out`.

    Parameters
    ----------
    device : a torch device.
    """
    tier = tables.read(inputs.tier) if inputs.tier else None
    if tier is not None and tier.empty and settings.leave_out_empty:
        leave_out(outputs, settings, device)
        return
    training = settings.training
    positives = tables.read(inputs.positives)
    windows_per_file = training.mined_windows_per_file
    sources = WindowSources(
        labelled=tables.read(inputs.labelled),
        positives=positives,
        labelled_index=tables.read(inputs.index),
        mined=locate_mined_windows(
            tier, inputs.pool_index, inputs.window_scores, settings.aggregation, windows_per_file
        ),
        reviewed=locate_reviewed_windows(positives, inputs.pool_index),
    )
    run = {**settings.axes, "seed": settings.seed}
    composed = compose(sources, settings.axes["validation"], training, settings.seed)
    logger.info("training on %s", composed.train.origin.value_counts().to_dict())
    features = store.load(composed.train)
    result = train(
        TrainingWindows.from_table(features, composed.train, composed.labelled_count),
        store.load(composed.validation),
        composed.validation,
        training,
        settings.seed,
        device,
        background=load_background(composed, training.augmentation.background, inputs.background),
        name=", ".join(f"{axis} {value}" for axis, value in run.items()),
    )
    tier_files = 0 if tier is None else len(tier)
    description = RunDescription(
        run=run,
        model_input=settings.model_input,
        training=asdict(training),
        shape=features.shape[1:],
        counts=count_windows(composed, result, tier_files),
        versions=provenance.collect_versions(device),
    )
    training_set = composed.train.drop(columns=["array", "row"]).assign(draws=result.draws)
    tables.write(result.history, outputs.history)
    tables.write(result.validation_scores, outputs.validation_scores)
    tables.write(training_set, outputs.training_set)
    checkpoints.save(result.network, description.to_json(), outputs.weights)


def leave_out(outputs: RunOutputs, settings: RunSettings, device: str) -> None:
    """Write the files of a run that is left out: tables without rows, a model without weights, and the reason.

    The runs are planned before a tier is cut. A run of an empty tier is therefore a job like any other, and everything
    that collects runs skips it. When the tier gets files, the job runs again and trains.
    """
    reason = f"negative tier '{settings.axes['negative_tier']}' has no files"
    logger.warning("left out: %s", reason)
    tables.write(pd.DataFrame(columns=HISTORY_COLUMNS), outputs.history)
    tables.write(pd.DataFrame(columns=SCORE_COLUMNS), outputs.validation_scores)
    tables.write(pd.DataFrame(columns=[*WINDOW_COLUMNS, "label", "origin", "draws"]), outputs.training_set)
    run = {**settings.axes, "seed": settings.seed}
    description = {"run": run, LEFT_OUT: reason, "versions": provenance.collect_versions(device)}
    checkpoints.save(nn.Module(), description, outputs.weights)


def load_background(composed: ComposedSet, source: str, pool_windows_path: str) -> npt.NDArray[np.float16] | None:
    """Read the features of the windows that augmentation mixes in.

    Parameters
    ----------
    source : ``none``, ``labelled`` or ``pool``.
    pool_windows_path : the windows for ``pool``.
    """
    if source == "none":
        return None
    windows = select_windows(composed.labelled_negatives) if source == "labelled" else tables.read(pool_windows_path)
    return store.load(windows)


def count_windows(composed: ComposedSet, result: TrainingResult, tier_files: int) -> RunCounts:
    """Count what a run was trained on, by origin."""
    train_windows = composed.train
    counts = train_windows.origin.value_counts()
    is_used = (train_windows.origin == "mined") & (result.draws > 0)
    return RunCounts(
        labelled_positives=int(counts.get("positive", 0)),
        labelled_negatives=int(counts.get("negative", 0)),
        reviewed_positives=int(counts.get("reviewed", 0)),
        mined_negatives=int(counts.get("mined", 0)),
        tier_files=tier_files,
        tier_files_used=int(train_windows.file_path[is_used].nunique()),
        labelled_hash=composed.labelled_hash,
        training_hash=hash_windows(train_windows),
        steps=result.steps,
        kept_epoch=result.kept_epoch,
        warning=composed.warning,
        diagnosis=result.diagnosis,
    )


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


def locate_mined_windows(
    tier: pd.DataFrame | None,
    pool_index_path: str,
    score_paths: Sequence[str] = (),
    aggregation: str = "mean",
    windows_per_file: int = 1,
) -> pd.DataFrame:
    """Look up the features of the files of a tier: the windows of each with the highest confidence.

    Parameters
    ----------
    tier : the files with their hardest windows; None for a run without mined negatives.
    pool_index_path : the windows of the pool.
    score_paths, aggregation : see :func:`hardneg.mining.hardest_windows.add_next_hardest`; not needed for one window.
    windows_per_file : the most windows of a file.

    Returns
    -------
    ``file_path, start_s, end_s, array, row, group``; no row without a tier.
    """
    if tier is None:
        return pd.DataFrame(columns=WINDOW_COLUMNS)
    index = tables.read_rows_of_files(pool_index_path, tier.file_path)
    nights = tier[["file_path", "start_s"]].assign(group=name_recorder_nights(tier))
    if windows_per_file == 1:
        return store.locate_windows(nights, index)[WINDOW_COLUMNS]
    windows = add_next_hardest(nights, score_paths, aggregation, windows_per_file)
    windows = windows.merge(nights[["file_path", "group"]], on="file_path", validate="m:1")
    return store.locate_windows(windows, index)[WINDOW_COLUMNS]
