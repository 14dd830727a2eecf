"""Spread independent tasks over processes."""

import ctypes
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

import torch

from hardneg.common import process_context

Task = TypeVar("Task")
Result = TypeVar("Result")
_function: Callable
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h


@contextmanager
def start_processes(workers: int, function: Callable[[Task], Result]) -> Iterator[Executor | None]:
    """Start processes of one thread each, to each of which `function` is given once; none for a single worker.

    Processes are forked on Linux, so that torch, and what `function` holds, are there at once; elsewhere `function`
    must be picklable.
    """
    if workers == 1:
        _settle()
        yield None
        return
    with ProcessPoolExecutor(
        workers, process_context.get_context(), initializer=_prepare, initargs=(function,)
    ) as pool:
        yield pool


def map_in_order(
    function: Callable[[Task], Result], tasks: Iterable[Task], workers: int, ahead: int = 4
) -> Iterator[Result]:
    """Yield ``function(task)`` of each task in order, done by `workers` processes of one thread each.

    At most `ahead` tasks a worker are under way or done and not yet taken, so that results do not pile up; the next is
    begun when the consumer asks for another.
    With one worker all is done in this process.
    """
    with start_processes(workers, function) as pool:
        if pool is None:
            yield from map(function, tasks)
            return
        remaining = iter(tasks)
        waiting = [pool.submit(_do, task) for task in islice(remaining, ahead * workers)]
        try:
            while waiting:
                yield waiting.pop(0).result()
                waiting += [pool.submit(_do, task) for task in islice(remaining, 1)]
        finally:
            for future in waiting:
                future.cancel()


def _prepare(function: Callable) -> None:
    global _function
    _settle()
    _function = function


def _settle() -> None:
    """Use one thread, and have glibc keep what a batch has freed: else the system clears each page of it anew."""
    torch.set_num_threads(1)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        mallopt(M_MMAP_THRESHOLD, 1 << 25)  # bytes; the most that glibc takes
        mallopt(M_TRIM_THRESHOLD, 1 << 28)


def _do(task):
    return _function(task)
