"""Combine the scores of several mining models: their mean, their minimum, and each model alone."""

import os
from collections.abc import Mapping

import pandas as pd
import pyarrow
import pyarrow.parquet

from hardneg.mining.mining_models import MEAN, MINIMUM
from hardneg.models.file_scores import score_by_highest_window

BATCH_WINDOWS = 1_000_000
WINDOW_COLUMNS = ["file_path", "start_s", "end_s"]
SCORE_COLUMNS = ["confidence", "start_s", "end_s"]
AGGREGATIONS = {MEAN: "mean", MINIMUM: "min"}


def combine_scores(windows: Mapping[str, str | os.PathLike[str]], batch_windows: int = BATCH_WINDOWS) -> pd.DataFrame:
    """Score each file by its hardest window, for all models together and for each model alone.

    The models are combined window by window. By the minimum, a file is hard only if every model finds the same window
    hard.

    Parameters
    ----------
    windows : path of each model's table of scored windows, by model name. The columns are ``file_path, start_s,
        end_s, confidence``. All tables list the same windows in the same order.
    batch_windows : number of windows in memory at a time.

    Returns
    -------
    One row per file, the hardest by the mean first: ``file_path``; ``confidence, start_s, end_s`` by the mean; and
    the columns of :func:`score_columns` for the minimum and for each model.

    Raises
    ------
    ValueError
        If the tables list different windows.
    """
    rankings = [MEAN, MINIMUM, *windows]
    hardest: dict[str, list[pd.DataFrame]] = {ranking: [] for ranking in rankings}
    streams = [pyarrow.parquet.ParquetFile(path).iter_batches(batch_windows) for path in windows.values()]
    for batches in zip(*streams, strict=True):
        parts = [pyarrow.Table.from_batches([batch]).to_pandas() for batch in batches]
        positions = parts[0][WINDOW_COLUMNS]
        if not all(positions.equals(part[WINDOW_COLUMNS]) for part in parts[1:]):
            raise ValueError(f"the score tables of {', '.join(windows)} list different windows, or in another order")
        by_model = pd.DataFrame({name: part.confidence for name, part in zip(windows, parts, strict=True)})
        for ranking in rankings:
            confidence = by_model[ranking] if ranking in by_model else by_model.agg(AGGREGATIONS[ranking], axis=1)
            hardest[ranking].append(score_by_highest_window(positions.assign(confidence=confidence)))
    table = None
    for ranking, file_parts in hardest.items():
        files = score_by_highest_window(pd.concat(file_parts, ignore_index=True))
        files = files.rename(columns=dict(zip(SCORE_COLUMNS, score_columns(ranking), strict=True)))
        table = files if table is None else table.merge(files, on="file_path", validate="1:1")
    return table


def score_columns(ranked_by: str) -> list[str]:
    """Name the columns with a file's highest confidence and its window, by the mean, the minimum or one model."""
    if ranked_by == MEAN:
        return SCORE_COLUMNS
    return [f"minimum_{column}" if ranked_by == MINIMUM else f"{column}_{ranked_by}" for column in SCORE_COLUMNS]


def select_scores(scores: pd.DataFrame, ranked_by: str) -> pd.DataFrame:
    """Copy the scores of one ranking into the columns ``confidence, start_s, end_s``.

    Parameters
    ----------
    scores : from :func:`combine_scores`, or the scores of a single model. A single model is its own mean and minimum.
    ranked_by : ``mean``, ``minimum`` or the name of a model.
    """
    columns = score_columns(ranked_by)
    if not set(columns) <= set(scores.columns):
        return scores
    return scores.assign(**{target: scores[source] for target, source in zip(SCORE_COLUMNS, columns, strict=True)})


def list_scored_models(scores: pd.DataFrame) -> list[str]:
    """List the models in a table from :func:`combine_scores`; the scores of a single model name none."""
    return [column.removeprefix("confidence_") for column in scores.columns if column.startswith("confidence_")]
