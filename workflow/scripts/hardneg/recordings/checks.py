"""Open every recording of the manifest, and report which can be used and why the others cannot."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from operator import attrgetter
from typing import TypeAlias

import pandas as pd

from hardneg.common import crash_isolation, process_context
from hardneg.common.errors import InputError
from hardneg.common.log import announce, track_progress
from hardneg.recordings import stretches
from hardneg.recordings.manifest import POOL, TEST_POOL
from hardneg.recordings.missing_files import explain_missing_files
from hardneg.recordings.recording_probe import COLUMN_TYPES, RecordingFacts, is_silent, probe_in_root

SAME_AUDIO = "same audio as another file"
BEYOND_END = "a labeled stretch begins after the end of the recording"
HINTS = {
    "missing": "Check audio_root. Compare the paths with the files: folders, capitals, and slashes.",
    "too short": "Lower min_duration_s to use shorter recordings.",
    "unreadable": "Copy these files again from the card, or convert them, for example to FLAC.",
    BEYOND_END: "Correct start_s, or the path: the times may be those of another recording.",
    SAME_AUDIO: "Remove the copies from the manifest.",
    "path outside audio_root": "Set audio_root to a folder with all recordings. Links must not lead out of it.",
}
LISTED_ROWS = 20
LONG_WINDOWS = 3  # a recording of more windows may well contain some without a call

Rules: TypeAlias = dict[str, Callable[[pd.DataFrame], pd.DataFrame]]


def check_recordings(
    table: pd.DataFrame, audio_root: str, min_duration_s: float, window_s: float, workers: int
) -> pd.DataFrame:
    """Open and decode each recording, in parallel.

    Parameters
    ----------
    table : rows of a manifest.
    audio_root : the folder that paths are relative to. No file outside it is opened.
    min_duration_s : shorter recordings are rejected (s).
    window_s : recordings shorter than a window are flagged ``short`` (s).
    workers : number of processes.

    Returns
    -------
    The rows with a column for each attribute of :class:`hardneg.recordings.recording_probe.RecordingFacts`.
    """
    repeated = table.file_path.duplicated()
    probe = partial(probe_in_root, audio_root=audio_root, min_duration_s=min_duration_s, window_s=window_s)
    start_pool = partial(ProcessPoolExecutor, mp_context=process_context.get_context())
    probes = crash_isolation.map_in_order(
        probe, table.file_path, start_pool, workers, _reject_crash, pending_per_worker=16
    )
    probes = track_progress(probes, len(table), "checking recordings")
    facts = pd.DataFrame(map(attrgetter(*COLUMN_TYPES), probes), columns=list(COLUMN_TYPES))
    checked = pd.concat([table.reset_index(drop=True), facts.astype(COLUMN_TYPES)], axis=1)
    late = stretches.find_beyond_end(checked)
    checked.loc[late & (checked.reason == ""), "reason"] = BEYOND_END
    checked.loc[repeated.to_numpy() & (checked.reason == ""), "reason"] = "duplicate row"
    return checked


def _reject_crash(file_path: str) -> RecordingFacts:
    """Reject a recording that ended the process that decoded it."""
    return RecordingFacts(reason="unreadable: the decoder crashed or ran out of memory")


def merge_shards(shards: list[pd.DataFrame]) -> pd.DataFrame:
    """Merge checked shards in order of path, and reject what is known only when rows are compared.

    - Of the same audio in one split, only the first row stays usable. The pool and the recordings held out of it count
      as one split here: chance may divide two copies between them.
    - A labeled recording without any sound is rejected. In the pool, the audit flags it.
    """
    table = pd.concat(shards, ignore_index=True).sort_values(["file_path", "shard"], ignore_index=True)
    usable = table[(table.reason == "") & ~is_silent(table)]
    source = usable.split.replace({TEST_POOL: POOL})
    first = usable.groupby([source, "sha256"]).file_path.transform("first")
    copies = first[first != usable.file_path]
    table.loc[copies.index, "reason"] = f"{SAME_AUDIO}: " + copies
    labelled = ~table.split.isin((POOL, TEST_POOL))
    table.loc[labelled & (table.reason == "") & is_silent(table), "reason"] = (
        "silent: the mix of its channels has no sound"
    )
    return table


def separate_rejected(
    table: pd.DataFrame, max_rejected_fraction: float, audio_root: str = ""
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Check the recordings against the split rules, and separate the rejected recordings from the usable ones.

    Parameters
    ----------
    table : checked recordings.
    max_rejected_fraction : the largest share that may be rejected.
    audio_root : the folder that paths are relative to, to find out why recordings are missing.

    Returns
    -------
    usable, rejected : rows without and with a ``reason``.

    Raises
    ------
    InputError
        If recordings break a split rule (the message lists them), or if too large a share is rejected.
    """
    usable, rejected = table[table.reason == ""], table[table.reason != ""]
    check_split_rules(usable, RULES)
    check_split_rules(table[(table.reason == "") | table.reason.str.startswith(SAME_AUDIO)], LABEL_RULES)
    share = len(rejected) / max(len(table), 1)
    if share > max_rejected_fraction:
        counts = rejected.reason.str.split(":").str[0].value_counts()
        hints = " ".join(HINTS[reason] for reason in counts.index if reason in HINTS)
        missing = list(rejected.file_path[rejected.reason == "missing"])
        if missing and audio_root:
            hints = f"{hints} {explain_missing_files(missing, len(table), audio_root)}"
        raise InputError(
            f"{len(rejected)} of {len(table)} recordings are rejected ({share:.1%}), more than max_rejected_fraction "
            f"({max_rejected_fraction:.1%}): {', '.join(f'{n} {reason}' for reason, n in counts.items())}.\n"
            f"{_list_rows(rejected, 'reason')}\n"
            f"{hints} If the run can do without these recordings, raise max_rejected_fraction."
        )
    return usable.drop(columns="reason"), rejected


def warn_of_long_positives(recordings: pd.DataFrame, window_s: float, weak_labels: str) -> None:
    """Warn of training positives that are long enough to contain many windows without a call.

    Parameters
    ----------
    recordings : usable recordings: ``label, split, duration_s``.
    window_s : length of a window (s).
    weak_labels : ``all`` if every window of a positive is trained on, which is what the warning is about.
    """
    positives = recordings[(recordings.label == "positive") & (recordings.split == "train")]
    if "stretches" in positives:  # their windows have separate labels
        positives = positives[positives.stretches == ""]
    long = positives[positives.duration_s > LONG_WINDOWS * window_s]
    if weak_labels == "all" and len(long):
        announce(
            f"{len(long)} of {len(positives)} training positives are longer than {LONG_WINDOWS} windows (the longest: "
            f"{long.duration_s.max():.0f} s), and every window of them is trained on as a call. If the species calls "
            "only now and then, set training.weak_labels to two_pass, or cut the recordings to the calls."
        )


def check_split_rules(table: pd.DataFrame, rules: Rules) -> None:
    """Check recordings against rules: :data:`RULES`, or :data:`MANIFEST_RULES` before any recording is opened.

    Raises
    ------
    InputError
        If recordings break a rule; the message lists them.
    """
    for rule, find_breaches in rules.items():
        rows = find_breaches(table)
        if len(rows):
            raise InputError(
                f"{rule}. These rows break the rule:\n{_list_rows(rows)}\nCorrect the manifest and run again."
            )


def _find_in_several(table: pd.DataFrame, key: str, value: pd.Series) -> pd.DataFrame:
    """Return the rows whose `key` occurs with more than one `value`."""
    return table[value.groupby(table[key]).transform("nunique") > 1].sort_values([key, "split"])


def _find_divided_nights(table: pd.DataFrame) -> pd.DataFrame:
    return _find_in_several(table, "group", table.split)


def _find_shared_recorders(table: pd.DataFrame) -> pd.DataFrame:
    return _find_in_several(table, "recorder_id", table.split.isin((POOL, TEST_POOL)))


def _find_shared_sites(table: pd.DataFrame) -> pd.DataFrame:
    ood_sites = set(table.site[table.split == "test_ood"]) - {""}
    # The pool held out at such a site is another test of it.
    return table[table.site.isin(ood_sites) & ~table.split.isin(("test_ood", TEST_POOL))].sort_values(["site", "split"])


def _find_pool_positives(table: pd.DataFrame) -> pd.DataFrame:
    return table[table.split.isin((POOL, TEST_POOL)) & (table.label == "positive")]


def _find_copies(table: pd.DataFrame) -> pd.DataFrame:
    audible = table[~is_silent(table)]
    return _find_in_several(audible, "sha256", audible.split)


def _find_contradictions(table: pd.DataFrame) -> pd.DataFrame:
    audible = table[~is_silent(table)]
    return _find_in_several(audible, "sha256", audible.label)


MANIFEST_RULES: Rules = {
    "A recorder-night must be in one split only": _find_divided_nights,
    "The pool's recorders must appear in no other split": _find_shared_recorders,
    "A site of test_ood must appear in no other split": _find_shared_sites,
    "Recordings of the pool must have the label negative": _find_pool_positives,
}
RULES: Rules = MANIFEST_RULES | {"The same audio must be in one split only": _find_copies}

# Of copies, one is usable. These rules are for the copies too.
LABEL_RULES: Rules = {"The same audio must have one label only": _find_contradictions}


def _list_rows(rows: pd.DataFrame, column: str | None = None) -> str:
    lines = [
        f"  {row.file_path} (split {row.split}, label {row.label}, site {row.site or 'unknown'}, "
        f"recorder {row.recorder_id}, night {row.night or 'unknown'})" + (f": {row[column]}" if column else "")
        for _, row in rows.head(LISTED_ROWS).iterrows()
    ]
    hidden = len(rows) - LISTED_ROWS
    return "\n".join(lines + [f"  ... and {hidden} more"] * (hidden > 0))
