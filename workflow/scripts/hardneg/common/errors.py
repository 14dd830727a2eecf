"""Errors that a person can mend: the message names the thing, the fault and the remedy."""

import errno
import os
from concurrent.futures.process import BrokenProcessPool

NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
KILLED_ADVICE = (
    "killed from outside, most often for want of memory. Let fewer jobs run at once (fewer --cores), or make them "
    "smaller (a smaller files_per_shard); on a cluster ask for more (mem_mb in the profile)."
)


class InputError(ValueError):
    """A manifest, a configuration or a recording is not usable as it is."""


def describe_remedy(error: BaseException, folder: str | os.PathLike) -> str:
    """Say what a person can do about `error`; empty where the traceback says more.

    Parameters
    ----------
    folder : where the job writes.
    """
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, OSError) and error.errno in NO_SPACE:
        return describe_full_disk(folder)
    if isinstance(error, BrokenProcessPool):
        return f"A worker process was {KILLED_ADVICE}"
    return ""


def describe_full_disk(folder: str | os.PathLike) -> str:
    """The message for a full disk."""
    return f"No space left on the disk of {folder}. Make room and start again: what is finished is kept."
