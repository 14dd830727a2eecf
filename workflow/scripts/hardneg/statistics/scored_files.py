"""The stored file scores of runs, as arrays that can be resampled."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from hardneg.common import tables
from hardneg.common.hashing import digest
from hardneg.models.thresholds import HIGHEST_F1, ThresholdRule
from hardneg.recordings.nights import CLUSTER_COLUMNS, name_clusters
from hardneg.recordings.test_sets import select_test_files


@dataclass(frozen=True, slots=True)
class ScoredFiles:
    """One run's scores on one test split.

    Attributes
    ----------
    labels : 1 or 0, shape (files,).
    confidences : in [0, 1], shape (files,).
    nights : number of the recorder-night of each file, or of another cluster, from 0; shape (files,). Files with the
        same number are resampled together.
    hours : duration of each file (h), shape (files,).
    threshold : frozen on validation.
    validation : the files that the threshold was chosen on, with the same threshold; None if they are not known.
    rule : how the threshold was chosen.
    night_set : names the set of nights. Two splits with the same name have the same nights, with the same numbers.
    """

    labels: npt.NDArray[np.integer]
    confidences: npt.NDArray[np.floating]
    nights: npt.NDArray[np.integer]
    hours: npt.NDArray[np.floating]
    threshold: float
    validation: "ScoredFiles | None" = None
    rule: ThresholdRule = HIGHEST_F1
    night_set: str = ""

    @classmethod
    def from_table(
        cls, files: pd.DataFrame, threshold: float, cluster: str = "night", sort_nights: bool = True
    ) -> "ScoredFiles":
        """Take the arrays from a table of files.

        Parameters
        ----------
        files : ``label, confidence, duration_s`` (s), and the columns that name `cluster`.
        threshold : frozen on validation.
        cluster : what is resampled together; see :func:`hardneg.recordings.nights.name_clusters`.
        sort_nights : number nights by name, so that they agree between tables in different orders. Otherwise they are
            numbered as they first occur.
        """
        nights, names = pd.factorize(name_clusters(files, cluster), sort=sort_nights)
        return cls(
            labels=files.label.to_numpy(),
            confidences=files.confidence.to_numpy(),
            nights=nights,
            hours=files.duration_s.to_numpy() / 3600,
            threshold=threshold,
            night_set=digest(list(names)),
        )


# Returns the scores of a run, named by its axes and seed, on a split.
ScoreLoader = Callable[[Mapping[str, str], str], ScoredFiles]


def make_score_loader(
    paths: Sequence[str | os.PathLike[str]],
    runs: Sequence[Mapping[str, object]],
    metrics: pd.DataFrame,
    keys: Sequence[str],
    rule: ThresholdRule | None = None,
    cluster: str = "night",
) -> ScoreLoader:
    """Make a function that reads the file scores of a run when they are needed, and each file only once.

    Parameters
    ----------
    paths, runs : the table of scores of each run, and its axes and seed, in the same order.
    metrics : one row per run and split, with the frozen ``threshold``.
    keys : names of the axes and the seed.
    rule : how thresholds were chosen. Without it, the validation files are not loaded.
    cluster : what is resampled together; see :func:`hardneg.recordings.nights.name_clusters`.
    """
    path_of = {tuple(str(run[key]) for key in keys): path for path, run in zip(paths, runs, strict=True)}
    first_rows = metrics.drop_duplicates(keys).astype(dict.fromkeys(keys, str))
    thresholds = first_rows.set_index(list(keys)).threshold.to_dict()

    @cache
    def read_scores(values: tuple[str, ...]) -> pd.DataFrame:
        columns = ["split", "file_path", "label", "confidence", "duration_s", *CLUSTER_COLUMNS[cluster]]
        return tables.read(path_of[values], columns).sort_values("file_path")

    def load_scores(run: Mapping[str, str], split: str) -> ScoredFiles:
        values = tuple(str(run[key]) for key in keys)
        scores, threshold = read_scores(values), thresholds[values]
        files = ScoredFiles.from_table(select_test_files(scores, split), threshold, cluster)
        if rule is None:
            return files
        validation = ScoredFiles.from_table(scores[scores.split == "val"], threshold, cluster)
        return replace(files, validation=validation, rule=rule)

    return load_scores
