"""How a job starts further processes, whatever the default of this Python is; torch is not needed for it."""

import multiprocessing
import os
import sys
from multiprocessing.context import BaseContext
from pathlib import Path


def get_context() -> BaseContext:
    """Processes are forked on Linux, so that what is loaded is there at once, and the job's script is not run again.

    From Python 3.14 on the default there is a server that imports the script anew, and the scripts of rules have no
    guard. Elsewhere forking is not safe, and a process is started anew.
    """
    return multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")


def prepend_pythonpath(scripts: Path) -> None:
    """Let jobs find the package in `scripts` first, before one that is installed from another copy of the project."""
    others = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(scripts.resolve()), others]))
