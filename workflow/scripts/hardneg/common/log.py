"""What a job says: plain lines in its log, a progress bar on a terminal."""

import logging
import os
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

from hardneg.common.errors import describe_remedy

logger = logging.getLogger("hardneg")
Item = TypeVar("Item")


def log_to(path: str | os.PathLike) -> None:
    """Send this job's messages, and the error that ends it, to the file `path`.

    An error that a person can mend (see :func:`hardneg.common.errors.describe_remedy`) prints its remedy alone on the terminal, no
    traceback.
    """
    handler = logging.FileHandler(path, mode="w", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", datefmt="%H:%M:%S"))
    logger.handlers = [handler]
    logging.raiseExceptions = False  # on a full disk the log is lost, not the message
    logger.setLevel(logging.INFO)
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").handlers = [handler]
    sys.excepthook = _report


def track_progress(items: Iterable[Item], total: int, what: str, every_s: float = 10.0) -> Iterator[Item]:
    """Yield `items`, showing how far, how fast and how long still.

    On a terminal a bar moves; elsewhere a line goes to the log about every `every_s` seconds.
    """
    start = last = time.monotonic()
    bar = tqdm(total=total, desc=what, leave=False, disable=not sys.stderr.isatty(), dynamic_ncols=True)
    for done, item in enumerate(items, start=1):
        yield item
        bar.update()
        now = time.monotonic()
        if now - last >= every_s or done == total:
            last, rate = now, done / max(now - start, 1e-9)
            logger.info("%s: %d of %d, %.1f/s, %.0f s left", what, done, total, rate, (total - done) / rate)
    bar.close()


def _report(kind, error, trace) -> None:
    words = describe_remedy(error, Path(logger.handlers[0].baseFilename).parent)
    if words:
        print(f"\n{words}\n", file=sys.stderr)
        logger.error("%s", words)
    else:
        logger.error("%s: %s", kind.__name__, error, exc_info=(kind, error, trace))
        sys.__excepthook__(kind, error, trace)
