"""Start further processes from the workflow and its jobs. This module does not need torch."""

import multiprocessing
import os
import sys
from multiprocessing.context import BaseContext
from pathlib import Path


def get_context() -> BaseContext:
    """Return the way to start processes: fork on Linux, spawn elsewhere, where forking is not safe.

    A forked process has everything that is already loaded, and it does not run the job's script again. From Python
    3.14 on, Linux starts processes from a server that imports the script again, but the scripts of rules have no
    ``if __name__ == "__main__"``.
    """
    return multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")


def prepend_pythonpath(scripts: Path) -> None:
    """Make jobs import the package from `scripts`, even if another copy of the project is installed."""
    others = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(scripts.resolve()), others]))
