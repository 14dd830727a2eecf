"""The processes on this machine, read from /proc, and the limits of this one."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def descendants(*ancestors: int) -> list[int]:
    """List the process ids of all descendants of these processes."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        children.setdefault(parent, []).append(int(stat.parent.name))
    processes, open_ = [], list(ancestors)
    while open_:
        open_ = [child for parent in open_ for child in children.get(parent, [])]
        processes += open_
    return processes


def with_title(start: str) -> list[int]:
    """List the process ids of all processes whose command line starts with a text."""
    processes = []
    for words in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if words.read_bytes().startswith(start.encode()):
                processes.append(int(words.parent.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return processes


@contextmanager
def limited(kind: int, highest: int) -> Iterator[None]:
    """Limit a resource of this process and of those that it starts; `kind` is a constant of :mod:`resource`."""
    soft, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (highest, hard))
    try:
        yield
    finally:
        resource.setrlimit(kind, (soft, hard))
