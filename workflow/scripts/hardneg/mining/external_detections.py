"""Mine with the detections of another program: BirdNET-Analyzer's tables, or Raven selection tables."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from hardneg.common.errors import InputError
from hardneg.common.log import announce, logger
from hardneg.recordings import detection_tables
from hardneg.recordings.path_matching import PathMatches, match_paths

SUFFIXES = (".csv", ".txt", ".tsv")
LISTED_FILES = 5
MATCH_COLUMNS = ["path", "outcome", "file_path", "detections", "beyond_end"]


@dataclass(frozen=True, slots=True)
class ScoredPool:
    """The pool, scored by finished detections.

    Attributes
    ----------
    windows : ``file_path, start_s, end_s, confidence``, one row per window.
    matching : how the tables fit the recordings; see :func:`score_windows`.
    """

    windows: pd.DataFrame
    matching: pd.DataFrame


def list_tables(path: str | os.PathLike[str]) -> list[Path]:
    """List the tables of detections at `path`: the file itself, or every table of detections below a folder.

    Files of a folder that are not tables of detections, such as BirdNET's ``BirdNET_analysis_params.csv``, are skipped
    with a warning.

    Raises
    ------
    InputError
        If there is no table, or the file is not a table of detections; the message then names its columns.
    """
    path = Path(path).expanduser()
    if path.is_file():
        if not detection_tables.is_detection_table(path):
            detection_tables.read_detections(path)
        return [path]
    files = sorted(child for child in path.rglob("*") if child.suffix.lower() in SUFFIXES and child.is_file())
    if not files:
        raise InputError(
            f"mining.model: {path} is neither a file nor a folder with tables of detections "
            f"({', '.join(SUFFIXES)}). Correct the path."
        )
    tables = [file for file in files if detection_tables.is_detection_table(file)]
    skipped = [str(file.relative_to(path)) for file in files if file not in set(tables)]
    if not tables:
        detection_tables.read_detections(files[0])
    if skipped:
        hidden = len(skipped) - LISTED_FILES
        logger.warning(
            "mining.model: %d file(s) in %s are skipped, because they are not tables of detections: %s%s",
            len(skipped), path, ", ".join(skipped[:LISTED_FILES]), f", and {hidden} more" * (hidden > 0),
        )  # fmt: skip
    return tables


def score_windows(
    tables: Sequence[str | os.PathLike[str]],
    folder: str | os.PathLike[str],
    label: str,
    index: pd.DataFrame,
    recordings: pd.DataFrame,
    max_unheard_fraction: float = 1.0,
) -> ScoredPool:
    """Score every window of the pool by the most confident detection in it.

    A detection counts for the window that it overlaps most; of equal overlaps, for the earliest. Programs list only
    what they detect, so a window without a detection has confidence 0.

    Parameters
    ----------
    tables : files for :func:`hardneg.recordings.detection_tables.read_detections`.
    folder : the folder of the tables.
    label : scientific or common name of the target; detections of other species are ignored.
    index : the pool's windows: ``file_path, start_s, end_s``.
    recordings : checked recordings of all splits: ``file_path, recorder_id, duration_s``. Detections in labeled
        recordings must find these, or they could be given to a file of the pool that has the same name.
    max_unheard_fraction : the largest share of the pool's files that the tables may leave out, in [0, 1]. Perhaps the
        program never processed such a file, and its confidence of 0 means nothing.

    Returns
    -------
    The scored windows, and how the tables fit: one row per path in the tables with ``path``, ``outcome`` (matched,
    several, elsewhere, unknown; see :class:`hardneg.recordings.path_matching.PathMatches`), ``file_path`` (the
    recording), the number of ``detections`` of the target, and how many of them start ``beyond_end`` of the recording.
    Files of the pool that no table names follow with the outcome ``unheard``.

    Raises
    ------
    InputError
        If there is no detection of the target, or none in a file of the pool. If too large a share is unheard.
    """
    parts = [detection_tables.read_detections(path, folder) for path in tables]
    detections = pd.concat(parts, ignore_index=True)
    targets = _select_target(detections, label)
    matches = match_paths(detections.file_path.unique(), recordings)
    targets = targets.assign(path=targets.file_path, file_path=targets.file_path.map(matches.matched))
    durations = recordings.drop_duplicates("file_path").set_index("file_path").duration_s
    targets = targets.assign(is_beyond=targets.start_s >= targets.file_path.map(durations))
    # A table without rows shows that its recording was processed.
    empty = [path for path, part in zip(tables, parts, strict=True) if part.empty]
    names = [detection_tables.name_recording(path, folder) for path in empty]
    heard = {*matches.matched.values(), *match_paths(names, recordings).matched.values()}
    pool = index.file_path.unique()
    unheard = [path for path in pool if path not in heard]
    _report(matches, targets, label, len(unheard), len(pool))
    problems = " ".join(f"{problem}." for problem in matches.describe_problems())
    if len(unheard) > max_unheard_fraction * len(pool):
        raise InputError(
            f"{len(unheard)} of {len(pool)} files of the pool are in no table of detections "
            f"({len(unheard) / len(pool):.1%}), more than mining.max_unheard_fraction ({max_unheard_fraction:.1%}): "
            f"{', '.join(unheard[:LISTED_FILES])}. {problems} Compare the paths. If the program processed these files "
            "and detected nothing, raise max_unheard_fraction."
        )
    in_pool = targets[targets.file_path.isin(pool) & ~targets.is_beyond]
    if in_pool.empty:
        raise InputError(
            f"none of the {detections.file_path.nunique()} files in the tables of detections is in the pool with a "
            f"detection of '{label}'. {problems} Compare the paths with file_path of the pool."
        )
    windows = index[["file_path", "start_s", "end_s"]].reset_index(drop=True)
    return ScoredPool(
        windows.assign(confidence=_highest_confidences(windows, in_pool)), _tabulate(matches, targets, unheard)
    )


def _select_target(detections: pd.DataFrame, label: str) -> pd.DataFrame:
    names = detections[["scientific_name", "common_name"]]
    is_target = names.apply(lambda column: column.str.strip().str.casefold() == label.strip().casefold()).any(axis=1)
    if not is_target.any():
        common, scientific = (names[column].value_counts().index[:5] for column in ("common_name", "scientific_name"))
        known = ", ".join(dict.fromkeys(name for name in (*common, *scientific) if name)) or "nothing"
        raise InputError(
            f"mining.label: the tables contain no detection of '{label}'; they contain {known}. Set mining.label to "
            "one of these. Before version 3, selection tables of BirdNET have common names and codes only."
        )
    return detections[is_target]


def _tabulate(matches: PathMatches, targets: pd.DataFrame, unheard: list[str]) -> pd.DataFrame:
    rows = [(path, "matched", recording) for path, recording in matches.matched.items()]
    for outcome, paths in (("several", matches.several), ("elsewhere", matches.elsewhere)):
        rows += [(path, outcome, "; ".join(recordings)) for path, recordings in paths.items()]
    rows += [(path, "unknown", "") for path in matches.unknown] + [("", "unheard", path) for path in unheard]
    table = pd.DataFrame(rows, columns=MATCH_COLUMNS[:3])
    counts = targets.groupby("path").is_beyond.agg(["size", "sum"])
    for column, count in (("detections", counts["size"]), ("beyond_end", counts["sum"])):
        table[column] = table.path.map(count).fillna(0).astype(int)
    return table


def _report(matches: PathMatches, targets: pd.DataFrame, label: str, unheard: int, pool: int) -> None:
    """Report how the tables fit: to the log, and what needs attention to the terminal too."""
    placed = targets.file_path.notna()
    logger.info("%d of %d detections of %s are in recordings of the manifest", placed.sum(), len(targets), label)
    for problem in matches.describe_problems():
        announce(f"tables of detections: {problem}")
    if not placed.all():
        announce(f"{(~placed).sum()} of {len(targets)} detections of {label} have no recording and are not used")
    beyond = targets[targets.is_beyond]
    if len(beyond):
        first = beyond.iloc[0]
        announce(
            f"{len(beyond)} of {len(targets)} detections of {label} start after the end of their recording and are not "
            f"used; the first is at {first.start_s:g} s in {first.path}"
        )
    if unheard:
        announce(f"{unheard} of {pool} files of the pool are in no table of detections; their confidence is 0")


def _highest_confidences(windows: pd.DataFrame, detections: pd.DataFrame) -> npt.NDArray[np.float64]:
    pairs = detections.reset_index(drop=True).reset_index(names="detection")
    pairs = pairs.merge(windows.reset_index(names="window"), on="file_path", suffixes=("", "_window"))
    overlap_s = np.minimum(pairs.end_s, pairs.end_s_window) - np.maximum(pairs.start_s, pairs.start_s_window)
    pairs = pairs.assign(overlap_s=overlap_s)[overlap_s > 0].sort_values(
        ["detection", "overlap_s", "window"], ascending=[True, False, True]
    )
    best = pairs.groupby("detection").head(1)
    highest = best.groupby("window").confidence.max()
    confidences: npt.NDArray[np.float64] = highest.reindex(windows.index, fill_value=0.0).to_numpy()
    return confidences
