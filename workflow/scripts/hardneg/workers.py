"""Spread independent tasks over processes."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

import torch

from hardneg import forking

Task = TypeVar("Task")
Result = TypeVar("Result")
_function: Callable


@contextmanager
def processes(workers: int, function: Callable[[Task], Result]) -> Iterator[Executor | None]:
    """Start processes of one thread each, to each of which `function` is given once; none for a single worker.

    Processes are forked on Linux, so that torch, and what `function` holds, are there at once; elsewhere `function`
    must be picklable.
    """
    if workers == 1:
        torch.set_num_threads(1)
        yield None
        return
    with ProcessPoolExecutor(workers, forking.context(), initializer=_prepare, initargs=(function,)) as pool:
        yield pool


def results(
    function: Callable[[Task], Result], tasks: Iterable[Task], workers: int, ahead: int = 4
) -> Iterator[Result]:
    """Yield ``function(task)`` of each task in order, done by `workers` processes of one thread each.

    At most `ahead` tasks a worker are under way or done and not yet taken, so that results do not pile up; the next is
    begun when the consumer asks for another.
    With one worker all is done in this process.
    """
    with processes(workers, function) as pool:
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
    torch.set_num_threads(1)
    _function = function


def _do(task):
    return _function(task)
