"""Messages of a job: plain lines in its log file, and a progress bar on a terminal."""

import logging
import os
import sys
import time
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from tqdm import tqdm

from hardneg.common import files
from hardneg.common.errors import describe_remedy

logger = logging.getLogger("hardneg")
Item = TypeVar("Item")


def log_to(path: str | os.PathLike[str]) -> None:
    """Begin a job: write its messages, and the error that ends it, to the file `path`.

    For an error that a person can fix, the terminal shows the remedy without a traceback; see
    :func:`hardneg.common.errors.describe_remedy`.
    """
    files.start_job()
    handler = logging.FileHandler(path, mode="w", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", datefmt="%H:%M:%S"))
    logger.handlers = [handler]
    logging.raiseExceptions = False  # on a full disk, lose the log rather than the message on the terminal
    logger.setLevel(logging.INFO)
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").handlers = [handler]
    sys.excepthook = partial(_report_error, Path(handler.baseFilename).parent)


def announce(message: str) -> None:
    """Log a warning of a job, and show it on the terminal, where the user sees it without opening the log."""
    logger.warning("%s", message)
    if logger.handlers:
        print(f"Warning: {message}", file=sys.stderr)


def track_progress(items: Iterable[Item], total: int, description: str, every_s: float = 10.0) -> Iterator[Item]:
    """Yield `items` and show how many are done, how fast, and how long the rest will take.

    On a terminal, a bar moves. Elsewhere, a line goes to the log about every `every_s` seconds.
    """
    start = last = time.monotonic()
    bar = tqdm(total=total, desc=description, leave=False, disable=not sys.stderr.isatty(), dynamic_ncols=True)
    for completed, item in enumerate(items, start=1):
        yield item
        bar.update()
        now = time.monotonic()
        if now - last >= every_s or completed == total:
            last, rate = now, completed / max(now - start, 1e-9)
            left_s = (total - completed) / rate
            logger.info("%s: %d of %d, %.1f/s, %.0f s left", description, completed, total, rate, left_s)
    bar.close()


def _report_error(
    folder: Path, kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """Log the error that ends a job, and print its remedy or its traceback."""
    message = describe_remedy(error, folder)
    if message:
        print(f"\n{message}\n", file=sys.stderr)
        logger.error("%s", message)
    else:
        logger.error("%s: %s", kind.__name__, error, exc_info=(kind, error, traceback))
        sys.__excepthook__(kind, error, traceback)
