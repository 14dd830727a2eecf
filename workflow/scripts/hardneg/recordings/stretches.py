"""Labeled stretches: rows of a manifest with a start and an end, and the windows that they label.

A manifest may have several rows of one file, each with ``start_s`` and ``end_s``. They become one row per file, like
all others, whose column ``stretches`` lists them. Everything that works on whole files then needs to know no more.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hardneg.common import text_tables
from hardneg.common.log import logger

POSITIVE, NEGATIVE = "positive", "negative"
PARTIAL, UNKNOWN = "partial", ""
COMPLETE = "complete"
COLUMNS = ("start_s", "end_s", "annotated")
QUALITY_ORDER = {"high": 0, "medium": 1, "low": 2, "": 3}
SHORTER, CALL, WINDOW = "shorter", "call", "window"
ROUNDING_S = 1e-6
SILENCE_MARGIN_S = 0.05  # sound of this length at the edge of a window is not worth training on


@dataclass(frozen=True, slots=True)
class OverlapRule:
    """When a window has the label of a stretch: keys of the ``annotations`` block of the configuration.

    Attributes
    ----------
    min_overlap : the least overlap, as a share of the call, of the window, or of the shorter of the two; in (0, 1].
    overlap_of : ``call``, ``window`` or ``shorter``.
    """

    min_overlap: float = 0.5
    overlap_of: str = SHORTER


def join_rows_of_files(table: pd.DataFrame, source: str) -> pd.DataFrame:
    """Join the rows of each file that has stretches into one row.

    Parameters
    ----------
    table : a manifest as text, with cleaned labels, splits and qualities. Its index numbers the rows for messages.
    source : what the table is.

    Returns
    -------
    One row per file with stretches, at the place of its first, and every row of the other files. The column
    ``stretches`` lists them, such as ``positive 12-15.2; negative 30-33``. A file with a positive stretch is positive.
    It has the best quality of these and all their types of call. ``start_s`` and ``end_s`` are dropped.

    Raises
    ------
    InputError
        If a time is not a number, or an end is not after its start. If only some rows of a file have times, or a
        recording of the pool has some. If ``annotated`` is neither empty nor ``complete``, or is
        ``complete`` for a positive without times.
    """
    for column in COLUMNS:
        table[column] = table[column].str.strip() if column in table.columns else ""
    source = f"manifest {source}"
    table["annotated"] = table.annotated.str.lower()
    text_tables.refuse_rows(
        table,
        ~table.annotated.isin(("", COMPLETE)),
        source,
        f"a wrong annotated; it must be empty or {COMPLETE}",
        ["annotated"],
    )
    start, end = (text_tables.parse_numbers(table, column, source) for column in ("start_s", "end_s"))
    is_timed = start.notna() | end.notna()
    invalid = is_timed & ~((start >= 0) & (end > start) & np.isfinite(end))
    text_tables.refuse_rows(table, invalid, source, "no end_s after a start_s of at least 0", ["start_s", "end_s"])
    mixed = is_timed.groupby(table.file_path).transform("nunique") > 1
    problem = "a start_s in only some rows of the file"
    text_tables.refuse_rows(table, mixed & ~is_timed, source, problem, ["start_s"], "Give all rows of a file times.")
    untimed_calls = ~is_timed & (table.annotated == COMPLETE) & (table.label == POSITIVE)
    problem, remedy = "a positive label, annotated complete, and no start_s", "Give every call its times."
    text_tables.refuse_rows(table, untimed_calls, source, problem, ["label", "annotated"], remedy)
    in_pool = is_timed & table.split.isin(("pool", "test_pool"))
    problem, remedy = "a start_s in the pool", "The pool is mined as whole recordings: remove the times."
    text_tables.refuse_rows(table, in_pool, source, problem, ["start_s", "split"], remedy)
    texts = table.label + " " + start.map("{:.6g}".format) + "-" + end.map("{:.6g}".format)
    joined = _join(table[is_timed], texts[is_timed])
    others = table[~is_timed].assign(stretches="")
    return pd.concat([others, joined]).sort_index(kind="stable").drop(columns=["start_s", "end_s"])


def _join(rows: pd.DataFrame, texts: pd.Series) -> pd.DataFrame:
    if rows.empty:
        return rows.assign(stretches="")
    is_call = rows.label == POSITIVE
    files = rows.file_path
    first = rows[~files.duplicated()].set_index("file_path", drop=False)
    best = rows.quality[is_call].map(QUALITY_ORDER).groupby(files[is_call]).min()
    names = {rank: name for name, rank in QUALITY_ORDER.items()}
    kinds = rows.call_type[is_call & (rows.call_type != "")].groupby(files).agg(lambda kind: ", ".join(kind.unique()))
    joined = first.assign(
        label=is_call.groupby(files).any().map({True: POSITIVE, False: NEGATIVE}),
        quality=best.map(names).reindex(first.index).fillna(""),
        call_type=kinds.reindex(first.index).fillna(""),
        annotated=rows.annotated.groupby(files).max(),
        stretches=texts.groupby(files).agg("; ".join),
    )
    return joined.set_axis(rows.index[~files.duplicated()])


def list_stretches(recordings: pd.DataFrame) -> pd.DataFrame:
    """List the stretches of recordings.

    Parameters
    ----------
    recordings : ``file_path`` and, where there are stretches, ``stretches``.

    Returns
    -------
    One row per stretch: ``file_path, label, start_s, end_s`` (s).

    Examples
    --------
    >>> recordings = pd.DataFrame({"file_path": ["a.wav"], "stretches": ["positive 12-15.2; negative 30-33"]})
    >>> list_stretches(recordings)
      file_path     label  start_s  end_s
    0     a.wav  positive     12.0   15.2
    1     a.wav  negative     30.0   33.0
    """
    if not has_stretches(recordings):
        return pd.DataFrame({"file_path": [], "label": [], "start_s": [], "end_s": []})
    timed = recordings[recordings.stretches.fillna("") != ""]
    each = timed.set_index("file_path").stretches.str.split("; ").explode()
    parts = each.str.extract(r"^(?P<label>\w+) (?P<start_s>.+?)(?<!e)-(?P<end_s>.+)$")
    return parts.astype({"start_s": float, "end_s": float}).reset_index()


def has_stretches(recordings: pd.DataFrame) -> bool:
    """Whether any recording has labeled stretches."""
    return "stretches" in recordings and bool((recordings.stretches.fillna("") != "").any())


def find_beyond_end(recordings: pd.DataFrame) -> pd.Series:
    """Mark the recordings with a stretch that begins after their end: ``file_path, stretches, duration_s``."""
    stretches = list_stretches(recordings)
    ends = stretches.file_path.map(recordings.drop_duplicates("file_path").set_index("file_path").duration_s)
    return recordings.file_path.isin(stretches.file_path[stretches.start_s >= ends])


def label_windows(windows: pd.DataFrame, recordings: pd.DataFrame, rule: OverlapRule) -> pd.Series:
    """Label the windows of recordings, from their stretches or from the label of the whole file.

    - A window that overlaps a positive stretch enough is positive. If no window does, as for a short call across the
      border of two, the one with the largest overlap is.
    - A window that overlaps no positive stretch is negative if the recording is annotated completely, or if it overlaps
      a negative stretch enough.
    - Another window of a completely annotated recording overlaps a call a little: it is *partial*.
    - All others are unknown (``""``), because nobody annotated them.

    Parameters
    ----------
    windows : ``file_path, start_s, end_s``.
    recordings : ``file_path, label`` and, where there are stretches, ``stretches, annotated``.
    rule : how much overlap is enough.

    Returns
    -------
    ``positive``, ``negative``, ``partial`` or ``""`` for each window, with the index of `windows`.

    Examples
    --------
    >>> recordings = pd.DataFrame({"file_path": ["a.wav"], "label": "positive", "annotated": "complete"})
    >>> recordings["stretches"] = "positive 2.5-5.5"
    >>> windows = pd.DataFrame({"file_path": "a.wav", "start_s": [0.0, 3.0, 6.0], "end_s": [3.0, 6.0, 9.0]})
    >>> label_windows(windows, recordings, OverlapRule()).tolist()
    ['partial', 'positive', 'negative']
    """
    files = recordings.set_index("file_path")
    labels = windows.file_path.map(files.label)
    stretches = list_stretches(recordings)
    if stretches.empty:
        return labels
    overlaps = _measure_overlaps(windows, stretches, rule)
    calls, noise = overlaps[overlaps.label == POSITIVE], overlaps[overlaps.label == NEGATIVE]
    has_enough = calls.is_enough.groupby(calls.stretch).transform("any")
    largest = calls.overlap_s[~has_enough].groupby(calls.stretch).idxmax()
    position = pd.Series(np.arange(len(windows)))
    is_timed = windows.file_path.isin(stretches.file_path).to_numpy()
    is_complete = (windows.file_path.map(files.annotated) == COMPLETE).to_numpy()
    is_positive = position.isin({*calls.window[calls.is_enough], *calls.window[largest]}).to_numpy()
    touches = position.isin(calls.window).to_numpy()
    is_negative = ~touches & (is_complete | position.isin(noise.window[noise.is_enough]).to_numpy())
    of_stretches = np.select([is_positive, is_negative, is_complete], [POSITIVE, NEGATIVE, PARTIAL], default=UNKNOWN)
    return labels.where(~is_timed, pd.Series(of_stretches, index=windows.index))


def _measure_overlaps(windows: pd.DataFrame, stretches: pd.DataFrame, rule: OverlapRule) -> pd.DataFrame:
    """Measure the overlap (s) of every window with every stretch that it overlaps; ``window`` is its position."""
    numbered = windows[["file_path", "start_s", "end_s"]].assign(window=np.arange(len(windows)))
    pairs = stretches.rename_axis("stretch").reset_index().merge(numbered, on="file_path", suffixes=("", "_window"))
    overlap = np.minimum(pairs.end_s, pairs.end_s_window) - np.maximum(pairs.start_s, pairs.start_s_window)
    call, window = pairs.end_s - pairs.start_s, pairs.end_s_window - pairs.start_s_window
    reference = {CALL: call, WINDOW: window, SHORTER: np.minimum(call, window)}[rule.overlap_of]
    pairs = pairs.assign(overlap_s=overlap, is_enough=overlap >= rule.min_overlap * reference - ROUNDING_S)
    return pairs[pairs.overlap_s > ROUNDING_S].reset_index(drop=True)


def find_silent_windows(windows: pd.DataFrame, recordings: pd.DataFrame) -> pd.Series:
    """Mark the windows that lie within a silence of their recording.

    Parameters
    ----------
    windows : ``file_path, start_s, end_s``.
    recordings : ``file_path, duration_s, silences``; see
        :class:`hardneg.recordings.recording_probe.RecordingFacts`. What follows the end of a recording is padding.
    """
    is_silent = pd.Series(False, index=windows.index)
    if "silences" not in recordings:
        return is_silent
    files = recordings[recordings.silences.fillna("") != ""].set_index("file_path")
    if files.empty:
        return is_silent
    each = files.silences.str.split("; ").explode().str.extract(r"^(?P<first>.+?)(?<!e)-(?P<end>.+)$").astype(float)
    concerned = windows[windows.file_path.isin(files.index)]
    sound_end = np.minimum(concerned.end_s, concerned.file_path.map(files.duration_s))
    pairs = concerned.assign(sound_end=sound_end).rename_axis("window").reset_index()
    pairs = pairs.merge(each.reset_index(), on="file_path")
    is_within = (pairs["first"] <= pairs.start_s + SILENCE_MARGIN_S) & (pairs.end >= pairs.sound_end - SILENCE_MARGIN_S)
    is_silent[pairs.window[is_within].unique()] = True
    return is_silent


def make_labeller(recordings: pd.DataFrame, rule: OverlapRule) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Make a function that adds the column ``window_label`` to windows; see :func:`label_windows`."""

    def label(windows: pd.DataFrame) -> pd.DataFrame:
        labels = label_windows(windows, recordings, rule)
        labelled = windows.assign(window_label=labels.mask(find_silent_windows(windows, recordings), UNKNOWN))
        without = set(windows.file_path) - set(labelled.file_path[labelled.window_label != UNKNOWN])
        if without:
            logger.warning(
                "%d recording(s) have no window with a certain label, and are not used: %s. Their stretches are too "
                "short for annotations.min_overlap, or silent.",
                len(without),
                ", ".join(sorted(without)[:3]),
            )
        return labelled

    return label


def select_training_windows(windows: pd.DataFrame) -> pd.DataFrame:
    """Select the windows with a certain label, and give them this label instead of that of their file.

    Parameters
    ----------
    windows : with ``label``, that of the file, and with ``window_label`` if any file has stretches.
    """
    if "window_label" not in windows:
        return windows
    certain = windows[windows.window_label.isin((POSITIVE, NEGATIVE))]
    return certain.assign(label=certain.window_label).drop(columns="window_label")


def select_tested_windows(windows: pd.DataFrame) -> pd.DataFrame:
    """Select the windows that decide the score of a file: all that someone listened to. See :func:`label_windows`."""
    if "window_label" not in windows:
        return windows
    return windows[windows.window_label != UNKNOWN]
