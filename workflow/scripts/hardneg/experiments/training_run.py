"""One run of the matrix, from files to files."""

from dataclasses import asdict

import pandas as pd

from hardneg.common import provenance, tables
from hardneg.common.log import logger
from hardneg.experiments.training_sets import compose
from hardneg.features import store
from hardneg.models import checkpoints
from hardneg.models.training import train
from hardneg.models.training_settings import TrainingSettings
from hardneg.recordings.nights import name_recorder_nights


def train_run(
    inputs: dict[str, str],
    outputs: dict[str, str],
    run: dict,
    seed: int,
    training: TrainingSettings,
    input: dict,
    device: str,
) -> None:
    """Compose the training set of one run, train, and write the model with what made it.

    Parameters
    ----------
    inputs : paths of ``labelled, positives, index`` and, for a run with mined negatives, ``tier, pool_index``.
    outputs : paths of ``weights, description, history, validation_scores, training_set``.
    run : the run's value on each axis; it must hold ``validation``.
    seed, training : see :func:`hardneg.models.training.train`.
    input : the windows and features that the model is trained on.
    """
    tier_windows = mined_windows(inputs.get("tier"), inputs.get("pool_index"))
    positives = tables.read(inputs["positives"])
    chosen, held_out = compose(
        tables.read(inputs["labelled"]),
        positives,
        tables.read(inputs["index"]),
        tier_windows,
        reviewed_windows(positives, inputs.get("pool_index")),
        validation=run["validation"],
        internal_fraction=training.internal_fraction,
        balance=training.balance,
        seed=seed,
    )
    logger.info("training on %s", chosen.origin.value_counts().to_dict())
    windows = store.load(chosen)
    trained = train(
        windows,
        chosen.label.to_numpy(),
        store.load(held_out),
        held_out,
        training,
        seed,
        device,
    )
    kinds = chosen.origin.value_counts()
    description = {
        "run": run | {"seed": seed},
        "input": input,
        "training": asdict(training),
        "shape": list(windows.shape[1:]),
        "counts": {
            "train_positives": int(kinds.get("positive", 0) + kinds.get("reviewed", 0)),
            "train_negatives": int(kinds.get("negative", 0)),
            "train_mined": int(kinds.get("mined", 0)),
            "tier_files": len(tier_windows),
            "best_epoch": trained.best_epoch,
        },
        "versions": provenance.collect_versions(device),
    }
    tables.write(trained.history, outputs["history"])
    tables.write(trained.validation_scores, outputs["validation_scores"])
    tables.write(chosen.drop(columns=["array", "row"]), outputs["training_set"])
    checkpoints.save(trained.network, description, outputs["weights"])


def reviewed_windows(positives: pd.DataFrame, pool_index_path: str | None) -> pd.DataFrame:
    """Find the features of the pool's files that a subset holds: of each the window nearest to the one that was heard.

    Returns
    -------
    The columns of :func:`mined_windows`; no row where the subset holds no file of the pool.
    """
    heard = positives[positives.start_s.notna()].rename(columns={"start_s": "heard_s"})
    if heard.empty:
        return mined_windows(None, None)
    found = heard.assign(group=name_recorder_nights(heard))[["file_path", "group", "heard_s"]]
    found = found.merge(tables.read_rows_of_files(pool_index_path, found.file_path), on="file_path", validate="1:m")
    nearest = (found.start_s - found.heard_s).abs().groupby(found.file_path).idxmin()
    return found.loc[nearest, ["file_path", "start_s", "end_s", "array", "row", "group"]].reset_index(drop=True)


def mined_windows(tier_path: str | None, pool_index_path: str | None) -> pd.DataFrame:
    """Find the features of a tier's files: the window of each that scored highest.

    Returns
    -------
    ``file_path, start_s, end_s, array, row, group``; no row where there is no tier.
    """
    if not tier_path:
        return pd.DataFrame(columns=["file_path", "start_s", "end_s", "array", "row", "group"])
    tier = tables.read(tier_path)
    index = tables.read_rows_of_files(pool_index_path, tier.file_path)
    windows = tier[["file_path", "start_s"]].assign(group=name_recorder_nights(tier))
    return store.locate_windows(windows, index)[["file_path", "start_s", "end_s", "array", "row", "group"]]
