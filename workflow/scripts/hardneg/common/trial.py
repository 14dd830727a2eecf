"""Try something from a stranger in a separate process, with limits on its time and memory."""

import os
import resource
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import psutil
import torch

from hardneg.common import process_context
from hardneg.common.errors import LONGEST_REASON, InputError

SECONDS = 120
MEMORY_BYTES = 8 << 30


def require_success(function: Callable[[], Any], name: str) -> None:
    """Call a function in a process that may end, hang or fill the memory, and refuse what it tries if it does.

    Parameters
    ----------
    function : takes no arguments. It must not use a GPU. Where processes are not forked, it must be picklable.
    name : of what is tried, to begin the message, such as the path of a model.

    Raises
    ------
    InputError
        If the function raised an error, ended its process, took more than :data:`SECONDS`, or asked for more than
        :data:`MEMORY_BYTES`.
    """
    context = process_context.get_context()
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_call, args=(function, name, sender), daemon=True)  # type: ignore[attr-defined]
    process.start()
    sender.close()  # so that the receiver notices when the process ends
    try:
        problem = receiver.recv() if receiver.poll(SECONDS) else f"{name} took longer than {SECONDS} s for one window."
    except EOFError:
        process.join()
        problem = f"{name} ended its process with the exit code {process.exitcode}. It is damaged, or not for this use."
    finally:
        process.kill()
        process.join()
        receiver.close()
    if problem:
        raise InputError(problem)


def _call(function: Callable[[], Any], name: str, sender: Connection) -> None:
    torch.set_num_threads(1)  # the threads of the process that forked this one do not exist here
    _limit_memory()
    try:
        function()
        problem = ""
    except InputError as error:
        problem = str(error)
    except MemoryError:
        problem = f"{name} needs more than {MEMORY_BYTES >> 30} GiB of memory for one window."
    except Exception as error:  # whatever a library raises
        problem = f"{name} cannot be used: {' '.join(str(error).split())[:LONGEST_REASON]}"
    sender.send(problem)
    os._exit(0)


def _limit_memory() -> None:
    if sys.platform != "linux":
        return
    _, highest = resource.getrlimit(resource.RLIMIT_AS)
    limit = psutil.Process().memory_info().vms + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit if highest < 0 else min(limit, highest), highest))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
