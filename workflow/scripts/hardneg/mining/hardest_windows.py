"""The hardest windows of mined files, where a run trains on more than one window of each."""

import os
from collections.abc import Sequence

import pandas as pd

from hardneg.common import tables

WINDOW_KEYS = ["file_path", "start_s"]


def add_next_hardest(
    hardest: pd.DataFrame, score_paths: Sequence[str | os.PathLike[str]], aggregation: str, count: int
) -> pd.DataFrame:
    """Add the next hardest windows of each file to its hardest window.

    Parameters
    ----------
    hardest : ``file_path, start_s``: the hardest window of each file.
    score_paths : the scored windows of the pool by each mining model (Parquet): ``file_path, start_s, confidence``.
    aggregation : ``mean`` or ``min`` of the models' confidences.
    count : the most windows of a file, with its hardest.

    Returns
    -------
    ``file_path, start_s``: the files in the order of `hardest`, each with its hardest window first. Of windows that
    are equally hard, the earliest comes first.
    """
    scores = pd.concat([tables.read_rows_of_files(path, hardest.file_path) for path in score_paths])
    windows = scores.groupby(WINDOW_KEYS, as_index=False).confidence.agg(aggregation)
    windows = windows.merge(hardest[WINDOW_KEYS].assign(is_hardest=True), on=WINDOW_KEYS, how="left")
    windows["is_other"] = windows.is_hardest.isna()
    windows["file_rank"] = windows.file_path.map({path: rank for rank, path in enumerate(hardest.file_path)})
    windows = windows.sort_values(
        ["file_rank", "is_other", "confidence", "start_s"], ascending=[True, True, False, True], kind="stable"
    )
    return windows.groupby("file_rank").head(count)[WINDOW_KEYS].reset_index(drop=True)
