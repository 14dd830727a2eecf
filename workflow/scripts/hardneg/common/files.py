"""Write a file completely or not at all."""

import os
import re
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hardneg.common.errors import InputError
from hardneg.common.hashing import digest

HOST = re.sub(r"[^A-Za-z0-9.]", "_", socket.gethostname())[:40]
DRAFT = re.compile(r"\.(?P<started>[0-9]{20})-(?P<host>[A-Za-z0-9._]+)-(?P<process>[0-9]+)-[0-9a-f]{8}\.draft")
MAX_KEPT_CHARACTERS = 60

_process_start_ns = time.time_ns()
_written_ns: dict[Path, int] | None = None  # when this process wrote each file; None outside of jobs


def start_job() -> None:
    """Refuse from now on to replace a file that another process has written since. Jobs call this when they start.

    Snakemake removes the outputs of a job before it starts, so a newer file can only come from another process.
    """
    global _process_start_ns, _written_ns
    _process_start_ns, _written_ns = time.time_ns(), {}


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and move it into place if the block ends without an error.

    A reader never sees half a file. A job that is killed leaves the old file (or none) and a draft, which the next
    process that writes `path` removes.

    A killed workflow can leave jobs behind that still work when the next run starts the same jobs again. The names of
    drafts differ, so two processes never share one. Of two that write at the same time, the process that began later
    wins, because only its configuration is certain to be the present one.

    Raises
    ------
    InputError
        If a process that began later writes `path` too, or another process has written it since this job began.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_dead_drafts(path)
    origin = f"{_process_start_ns:020d}-{HOST}-{os.getpid()}-{secrets.token_hex(4)}"
    draft = path.with_name(f"{_draft_prefix(path)}.{origin}.draft")
    try:
        draft.touch(exist_ok=False)
        yield draft
        _refuse_if_overtaken(path)
        draft.replace(path)
        if _written_ns is not None:
            _written_ns[path.absolute()] = path.stat().st_mtime_ns
    finally:
        draft.unlink(missing_ok=True)


def write_text(text: str, path: str | os.PathLike[str]) -> None:
    """Write UTF-8 `text` to `path`, completely or not at all."""
    with atomic_write(path) as draft:
        draft.write_text(text, encoding="utf-8")


def list_drafts(path: Path) -> Iterator[tuple[Path, re.Match[str]]]:
    """List the drafts of a file: their paths, with when, on which host and by which process each was begun."""
    prefix = _draft_prefix(path)
    with os.scandir(path.parent) as entries:
        for entry in entries:
            match = DRAFT.fullmatch(entry.name[len(prefix) :]) if entry.name.startswith(prefix) else None
            if match:
                yield Path(entry.path), match


def _draft_prefix(path: Path) -> str:
    """Begin the name of a draft: with the file's own, unless that is so long that the draft's would be too long."""
    name = path.name
    if len(name.encode("utf-8", "surrogateescape")) > MAX_KEPT_CHARACTERS:
        name = digest(name.encode("utf-8", "surrogateescape").hex())
    return f".{name}"


def _remove_dead_drafts(path: Path) -> None:
    """Remove the drafts of processes that no longer run on this host."""
    for draft, match in list_drafts(path):
        if match["host"] == HOST and not _is_running(int(match["process"])):
            draft.unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _refuse_if_overtaken(path: Path) -> None:
    """Raise an error if a process that began later writes `path` too, or if it was written since this job began."""
    later = [other for other, match in list_drafts(path) if int(match["started"]) > _process_start_ns]
    since_ns = None if _written_ns is None else max(_process_start_ns, _written_ns.get(path.absolute(), 0))
    if later or (since_ns is not None and path.exists() and path.stat().st_mtime_ns > since_ns):
        raise InputError(
            f"{path}: another process writes this file too, so this one gives up. A run that was killed may have left "
            "jobs behind. Wait until they end, or end them, and start again."
        )
