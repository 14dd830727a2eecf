"""Spread independent tasks over processes."""

import ctypes
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

import torch

from hardneg.common import process_context

Task = TypeVar("Task")
Result = TypeVar("Result")
_function: Callable[[Any], Any]
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h


@contextmanager
def start_processes(workers: int, function: Callable[[Task], Result]) -> Iterator[Executor | None]:
    """Start processes of one thread each, and pass `function` to each process once. One worker needs no process.

    Linux forks the processes, so torch and the data of `function` need no copy. Elsewhere, `function` must be
    picklable.
    """
    if workers == 1:
        _configure_process()
        yield None
        return
    context = process_context.get_context()
    with ProcessPoolExecutor(workers, context, initializer=_initialize_worker, initargs=(function,)) as pool:
        yield pool


def map_in_order(
    function: Callable[[Task], Result], tasks: Iterable[Task], workers: int, pending_per_worker: int = 4
) -> Iterator[Result]:
    """Yield ``function(task)`` for each task in order, computed by `workers` processes of one thread each.

    At most `pending_per_worker` tasks per worker are submitted and not yet yielded, so that results do not pile up.
    The next task is submitted when the consumer asks for another result. One worker computes in this process.
    """
    with start_processes(workers, function) as pool:
        if pool is None:
            yield from map(function, tasks)
            return
        remaining = iter(tasks)
        pending = [pool.submit(_run_task, task) for task in islice(remaining, pending_per_worker * workers)]
        try:
            while pending:
                yield pending.pop(0).result()
                pending += [pool.submit(_run_task, task) for task in islice(remaining, 1)]
        finally:
            for future in pending:
                future.cancel()


def _initialize_worker(function: Callable[[Any], Any]) -> None:
    global _function
    _configure_process()
    _function = function


def _configure_process() -> None:
    """Use one thread, and let glibc keep freed memory. Otherwise, the system clears each page of a batch again."""
    torch.set_num_threads(1)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        mallopt(M_MMAP_THRESHOLD, 1 << 25)  # bytes; the largest value that glibc accepts
        mallopt(M_TRIM_THRESHOLD, 1 << 28)


def _run_task(task: Any) -> Any:
    return _function(task)
