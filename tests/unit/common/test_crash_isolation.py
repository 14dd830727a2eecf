import faulthandler
import os
import signal
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import pytest

from hardneg.common import crash_isolation, process_context
from hardneg.common.errors import InputError

START_POOL = partial(ProcessPoolExecutor, mp_context=process_context.get_context())


def square(number):
    """Square a number; a negative one crashes the process."""
    if number < 0:
        faulthandler.disable()  # its traceback would look like a failure
        os.kill(os.getpid(), signal.SIGSEGV)
    return number**2


def crash_once(number, marker):
    if number == 5 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number**2


def test_a_task_that_crashes_its_process_costs_only_its_own_result():
    numbers = [1, 2, -3, 4, *range(5, 30), -30, 31]
    results = crash_isolation.map_in_order(square, numbers, START_POOL, 2, on_crash=lambda number: f"{number} crashed")
    assert list(results) == [f"{number} crashed" if number < 0 else number**2 for number in numbers]


def test_a_process_that_is_killed_once_costs_nothing(tmp_path):
    def reject(number):
        raise InputError(f"{number} crashed")

    function = partial(crash_once, marker=tmp_path / "crashed")
    results = crash_isolation.map_in_order(function, range(20), START_POOL, 2, on_crash=reject)
    assert list(results) == [number**2 for number in range(20)]


def test_the_error_of_a_task_reaches_the_caller():
    with pytest.raises(TypeError):
        list(crash_isolation.map_in_order(square, [1, "2"], START_POOL, 1, on_crash=str))


def test_results_do_not_pile_up():
    taken = []

    def tasks():
        for number in range(50):
            taken.append(number)
            yield number

    results = crash_isolation.map_in_order(square, tasks(), START_POOL, 1, on_crash=str, pending_per_worker=3)
    assert next(results) == 0 and len(taken) == 3
    results.close()
