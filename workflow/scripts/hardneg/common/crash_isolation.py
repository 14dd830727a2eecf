"""Map a function over tasks in processes, so that a task that crashes its process costs no other task.

Decoders are C code. A malformed recording can end their process, or make the system end it because memory ran out.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


def map_in_order(
    function: Callable[[Task], Result],
    tasks: Iterable[Task],
    start_pool: Callable[[int], ProcessPoolExecutor],
    workers: int,
    on_crash: Callable[[Task], Result],
    pending_per_worker: int = 4,
) -> Iterator[Result]:
    """Yield ``function(task)`` for each task in order.

    If a process ends, nobody knows which of the unfinished tasks ended it. Each of them is then repeated in a
    separate process. The other tasks follow in new processes.

    Parameters
    ----------
    function : computes the result of a task; picklable, as are tasks and results.
    start_pool : starts this many processes.
    workers : number of processes.
    on_crash : gives the result of a task that ended its own process, or raises an error that names it.
    pending_per_worker : at most this many tasks per worker are submitted and not yet yielded, so that results do not
        pile up. The next task is submitted when the consumer asks for another result.
    """
    remaining = iter(tasks)
    unfinished: deque[Task] = deque(islice(remaining, pending_per_worker * workers))
    while unfinished:
        futures: deque[Future[Result]] = deque()
        with start_pool(workers) as pool:
            try:
                futures.extend(pool.submit(function, task) for task in unfinished)
                while unfinished:
                    result = futures[0].result()
                    futures.popleft()
                    unfinished.popleft()
                    yield result
                    for task in islice(remaining, 1):
                        unfinished.append(task)
                        futures.append(pool.submit(function, task))
            except BrokenProcessPool:
                pass
            finally:
                for future in futures:
                    future.cancel()
        for task in unfinished:
            yield run_alone(function, task, start_pool, on_crash)
        unfinished = deque(islice(remaining, pending_per_worker * workers))


def run_alone(
    function: Callable[[Task], Result],
    task: Task,
    start_pool: Callable[[int], ProcessPoolExecutor],
    on_crash: Callable[[Task], Result],
) -> Result:
    """Run one task in a separate process; see :func:`map_in_order`."""
    with start_pool(1) as pool:
        try:
            return pool.submit(function, task).result()
        except BrokenProcessPool:
            return on_crash(task)
