"""Spread independent tasks over processes."""

import ctypes
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import Any, TypeVar

import torch

from hardneg.common import crash_isolation, process_context

Task = TypeVar("Task")
Result = TypeVar("Result")
_function: Callable[[Any], Any]
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h


def map_in_order(
    function: Callable[[Task], Result],
    tasks: Iterable[Task],
    workers: int,
    pending_per_worker: int = 4,
    on_crash: Callable[[Task], Result] | None = None,
) -> Iterator[Result]:
    """Yield ``function(task)`` for each task in order, computed by `workers` processes of one thread each.

    One worker computes in this process. Linux forks the processes, so torch and the data of `function` need no copy.
    Elsewhere, `function` must be picklable.

    Parameters
    ----------
    function, tasks, workers : see :func:`hardneg.common.crash_isolation.map_in_order`.
    pending_per_worker : see there.
    on_crash : see there; by default, a task that ends its process is an error.
    """
    if workers == 1:
        _configure_process()
        yield from map(function, tasks)
        return
    start_pool = partial(_start_pool, function=function)
    yield from crash_isolation.map_in_order(
        _run_task, tasks, start_pool, workers, on_crash or _raise_crash, pending_per_worker
    )


def _start_pool(workers: int, function: Callable[[Any], Any]) -> ProcessPoolExecutor:
    context = process_context.get_context()
    return ProcessPoolExecutor(workers, context, initializer=_initialize_worker, initargs=(function,))


def _raise_crash(task: object) -> Any:
    raise BrokenProcessPool(f"task {task} ended its process.")


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
