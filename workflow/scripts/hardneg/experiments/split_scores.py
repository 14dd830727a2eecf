"""Score validation and test files with trained detectors."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from torch import nn

from hardneg.common import tables
from hardneg.experiments.run_description import read_reason_left_out
from hardneg.features import store
from hardneg.models import checkpoints
from hardneg.models.inference import predict_confidences, score_files
from hardneg.recordings.manifest import EVALUATED_SPLITS, MINED, TEST_POOL, TEST_SPLITS
from hardneg.recordings.stretches import COMPLETE, select_tested_windows

RECORDING_COLUMNS = [
    "file_path", "quality", "call_type", "site", "recorder_id", "date", "night", "group", "duration_s",
]  # fmt: skip
WINDOW_SCORE_COLUMNS = ["split", "file_path", "start_s", "end_s", "window_label", "confidence"]
SCORE_COLUMNS = ["file_path", "confidence", "start_s", "end_s", "label", "split", *RECORDING_COLUMNS[1:]]


@dataclass(frozen=True, slots=True)
class ArmInputs:
    """Paths of what the seeds of an arm are scored from.

    Attributes
    ----------
    models : the weights of each seed. The description of a model is the file beside its weights.
    validation_scores : of each seed, in the same order.
    recordings, index, pool, pool_index : see :func:`read_test_files`.
    training_sets : the windows that each seed trained on, in the same order. Empty if the mined files need no score.
    """

    models: Sequence[str]
    validation_scores: Sequence[str]
    recordings: str
    index: str
    pool: str = ""
    pool_index: str = ""
    training_sets: Sequence[str] = ()


def score_arm(
    inputs: ArmInputs,
    score_paths: Sequence[str],
    model_input: Mapping[str, Any],
    device: str,
    window_score_paths: Sequence[str] = (),
) -> None:
    """Score every validation and test file with each seed of an arm, and the mined files that the seed trained on.

    A run that is left out has no model; see :func:`hardneg.experiments.training_run.leave_out`. Its table gets no row.

    Parameters
    ----------
    score_paths : the table to write for each seed, in the order of the models.
    model_input : the windows and features that the detectors receive, as the configuration has them.
    device : a torch device.
    window_score_paths : the table to write for each seed with :func:`score_annotated_windows`; empty for none.
    """
    trained = []
    for number, (model, path) in enumerate(zip(inputs.models, score_paths, strict=True)):
        if read_reason_left_out(Path(model).with_suffix(".json")):
            tables.write(pd.DataFrame(columns=SCORE_COLUMNS), path)
            if window_score_paths:
                tables.write(pd.DataFrame(columns=WINDOW_SCORE_COLUMNS), window_score_paths[number])
        else:
            trained.append(number)
    if not trained:
        return
    networks = [checkpoints.load(inputs.models[number], model_input).to(device) for number in trained]
    validation_scores = [tables.read(inputs.validation_scores[number]) for number in trained]
    mined = [read_mined_files(inputs.training_sets[number]) for number in trained] if inputs.training_sets else []
    all_mined = set().union(*mined)
    recordings, index = read_test_files(inputs.recordings, inputs.index, inputs.pool, inputs.pool_index, all_mined)
    scores = score_splits(networks, recordings, index, validation_scores, device)
    for number, table in zip(trained, scores, strict=True):
        if all_mined:
            own = mined[trained.index(number)]
            table = table[(table.split != MINED) | table.file_path.isin(own)].reset_index(drop=True)
        tables.write(table, score_paths[number])
    if window_score_paths:
        by_window = score_annotated_windows(networks, recordings, index, device)
        for number, table in zip(trained, by_window, strict=True):
            tables.write(table, window_score_paths[number])


def read_mined_files(training_set_path: str) -> set[str]:
    """List the mined files that a run trained on."""
    windows = tables.read(training_set_path, ["file_path", "origin"])
    return set(windows.file_path[windows.origin == "mined"])


def read_test_files(
    recordings_path: str, index_path: str, pool_path: str, pool_index_path: str, mined: Set[str] = frozenset()
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the recordings that a run is tested on, and their windows.

    Parameters
    ----------
    recordings_path, index_path : checked recordings outside the pool, and their windows.
    pool_path, pool_index_path : checked recordings of the pool, of which those held out count, and the windows of the
        pool. Empty if nothing is held out.
    mined : files of the pool to score as the split :data:`~hardneg.recordings.manifest.MINED`.
    """
    recordings, index = tables.read(recordings_path), tables.read(index_path)
    if not pool_path:
        return recordings, index
    pool = tables.read(pool_path)
    pool = pool.assign(split=pool.split.mask(pool.file_path.isin(mined), MINED))
    scored = pool[pool.split.isin((TEST_POOL, MINED))]
    windows = tables.read_rows_of_files(pool_index_path, scored.file_path)
    return pd.concat([recordings, scored], ignore_index=True), pd.concat([index, windows], ignore_index=True)


def score_splits(
    networks: Sequence[nn.Module],
    recordings: pd.DataFrame,
    index: pd.DataFrame,
    validation_scores: Sequence[pd.DataFrame],
    device: str,
) -> list[pd.DataFrame]:
    """Score every file of the test splits, of the held-out pool and of the mined files, and join validation scores.

    Parameters
    ----------
    networks : the detectors, on `device`.
    recordings : checked recordings: those outside the pool, those held out of it, and the mined ones.
    index : their windows.
    validation_scores : of each detector: ``file_path, confidence, start_s, end_s, label``.
    device : a torch device.

    Returns
    -------
    A table for each detector, with one row per split and file: ``split, label`` (1 or 0), ``confidence, start_s,
    end_s`` and :data:`RECORDING_COLUMNS`.
    """
    parts = [[scores.assign(split="val")] for scores in validation_scores]
    for split in (*EVALUATED_SPLITS, MINED):
        files = recordings[recordings.split == split]
        if files.empty:
            continue
        label = (files.label == "positive").astype(int)
        windows = index.merge(files[["file_path"]].assign(label=label), on="file_path", validate="m:1")
        windows = select_tested_windows(windows).reset_index(drop=True)
        features = store.load(windows)
        for network, scored in zip(networks, parts, strict=True):
            scored.append(score_files(network, features, windows, device).assign(split=split))
    facts = recordings[RECORDING_COLUMNS]
    return [
        pd.concat(scored, ignore_index=True).merge(facts, on="file_path", how="left", validate="m:1")
        for scored in parts
    ]


def score_annotated_windows(
    networks: Sequence[nn.Module], recordings: pd.DataFrame, index: pd.DataFrame, device: str
) -> list[pd.DataFrame]:
    """Score every window of the test files whose calls are all annotated.

    Parameters
    ----------
    networks, device : see :func:`score_splits`.
    recordings : ``file_path, split, annotated``.
    index : the windows, with ``window_label``; see :func:`hardneg.recordings.stretches.label_windows`.

    Returns
    -------
    A table for each detector with the columns of :data:`WINDOW_SCORE_COLUMNS`.
    """
    is_tested = recordings.split.isin(TEST_SPLITS) & (recordings.annotated == COMPLETE)
    windows = index.merge(recordings[is_tested][["file_path", "split"]], on="file_path", validate="m:1")
    if windows.empty:
        return [pd.DataFrame(columns=WINDOW_SCORE_COLUMNS) for _ in networks]
    features = store.load(windows)
    return [
        windows.assign(confidence=predict_confidences(network, features, device))[WINDOW_SCORE_COLUMNS]
        for network in networks
    ]
