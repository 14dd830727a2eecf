"""Put the scores of several mining models together: their mean, their minimum, and each by itself."""

import os

import pandas as pd
import pyarrow
import pyarrow.parquet

from hardneg.mining.mining_models import MEAN, MINIMUM
from hardneg.models.file_scores import file_confidence

WINDOWS_AT_ONCE = 1_000_000
OF_A_FILE = ["confidence", "start_s", "end_s"]
SUMMARIES = {MEAN: "mean", MINIMUM: "min"}


def combine(windows: dict[str, str | os.PathLike], at_once: int = WINDOWS_AT_ONCE) -> pd.DataFrame:
    """Score each file by its hardest window to all models together, and to each alone.

    Models are combined window by window: a file is hard by the minimum only if all find one and the same window of it
    hard.

    Parameters
    ----------
    windows : the table of scored windows of each model, by its name: ``file_path, start_s, end_s, confidence``, all
        with the same windows in the same order.
    at_once : windows held in memory.

    Returns
    -------
    One row per file, the hardest by the mean first: ``file_path``; ``confidence, start_s, end_s`` by the mean; and what
    :func:`columns_by` names for the minimum and for each model.

    Raises
    ------
    ValueError
        If the tables do not hold the same windows.
    """
    choices = [MEAN, MINIMUM, *windows]
    hardest: dict[str, list[pd.DataFrame]] = {choice: [] for choice in choices}
    streams = [pyarrow.parquet.ParquetFile(path).iter_batches(at_once) for path in windows.values()]
    for batches in zip(*streams, strict=True):
        parts = [pyarrow.Table.from_batches([batch]).to_pandas() for batch in batches]
        place = parts[0][["file_path", "start_s", "end_s"]]
        if not all(place.equals(part[place.columns]) for part in parts[1:]):
            raise ValueError(f"the scores of {', '.join(windows)} are not of the same windows in the same order")
        by_model = pd.DataFrame({name: part.confidence for name, part in zip(windows, parts, strict=True)})
        for choice in choices:
            confidence = by_model[choice] if choice in by_model else by_model.agg(SUMMARIES[choice], axis=1)
            hardest[choice].append(file_confidence(place.assign(confidence=confidence)))
    table = None
    for choice, parts in hardest.items():
        files = file_confidence(pd.concat(parts, ignore_index=True))
        files = files.rename(columns=dict(zip(OF_A_FILE, columns_by(choice), strict=True)))
        table = files if table is None else table.merge(files, on="file_path", validate="1:1")
    return table


def columns_by(choice: str) -> list[str]:
    """The columns of a file's highest confidence, and of its window, by the mean, the minimum or a model."""
    if choice == MEAN:
        return OF_A_FILE
    return [f"minimum_{column}" if choice == MINIMUM else f"{column}_{choice}" for column in OF_A_FILE]


def scored_by(scores: pd.DataFrame, choice: str) -> pd.DataFrame:
    """The scores as one choice has them, in the columns ``confidence, start_s, end_s``.

    Parameters
    ----------
    scores : from :func:`combine`, or the scores of an only model, which is its own mean and minimum.
    choice : ``mean``, ``minimum`` or the name of a model.
    """
    chosen = columns_by(choice)
    if not set(chosen) <= set(scores.columns):
        return scores
    return scores.assign(**{column: scores[other] for column, other in zip(OF_A_FILE, chosen, strict=True)})


def models_of(scores: pd.DataFrame) -> list[str]:
    """The names of the models whose scores a table from :func:`combine` holds; none for the scores of an only model."""
    return [column.removeprefix("confidence_") for column in scores.columns if column.startswith("confidence_")]
