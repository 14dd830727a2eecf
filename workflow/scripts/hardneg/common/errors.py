"""Errors that a person can fix: the message names the thing, what is wrong with it, and what to do."""

import errno
import os
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

LONGEST_REASON = 300  # characters
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
# What else an operating system refuses, and what a person can do about it.
SYSTEM_REMEDIES = {
    errno.EFBIG: "The limit on the size of a file was reached. Raise it (ulimit -f) and start again.",
    errno.EMFILE: "The limit on open files was reached. Raise it (ulimit -n) and start again.",
    errno.EACCES: "Your account may not do that. Change the permissions, or the path in the configuration.",
    errno.EPERM: "Your account may not do that. Change the permissions, or the path in the configuration.",
    errno.EROFS: "The file system is read-only. Choose another folder.",
    errno.ENOENT: "It was removed, or cannot be made there.",
    errno.EEXIST: "A file stands where a folder should be. Move it away.",
    errno.ENOTDIR: "A file stands where a folder should be. Move it away.",
    errno.EISDIR: "A folder stands where a file should be. Move it away.",
    errno.ENAMETOOLONG: "The file system does not allow names of this length. Shorten it.",
}
# How libraries report that memory could not be had.
OUT_OF_MEMORY = (
    "can't allocate memory",
    "Cannot allocate memory",
    "CUDA out of memory",
    "std::bad_alloc",
    "can't start new thread",
)
MEMORY_ADVICE = (
    "Let fewer jobs run at once (fewer --cores), or make them smaller (a smaller files_per_shard). On a cluster, ask "
    "for more memory (mem_mb in the profile)."
)
KILLED_ADVICE = f"killed from outside, most often because memory ran out. {MEMORY_ADVICE}"


class InputError(ValueError):
    """A manifest, a configuration or a recording cannot be used."""


@contextmanager
def name_damaged_file(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn the errors with which libraries refuse a damaged file into a message that names the file.

    Errors of the operating system keep their type: a missing file, a missing permission, a full disk.
    """
    try:
        yield
    except (FileNotFoundError, PermissionError):
        raise
    except (ValueError, LookupError, EOFError, NotImplementedError, RecursionError, OSError) as error:
        if isinstance(error, InputError) or (isinstance(error, OSError) and error.errno is not None):
            raise
        reason = " ".join(str(error).split())[:LONGEST_REASON]
        raise InputError(
            f"{os.fspath(path)} is damaged or truncated ({reason}). If it is a result, delete it and run again, so "
            "that it is made again. Otherwise, restore it."
        ) from error


def describe_remedy(error: BaseException, folder: str | os.PathLike[str]) -> str:
    """Describe what a person can do about an error, or return ``""`` if a traceback is more useful.

    Parameters
    ----------
    folder : where the job writes.
    """
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, OSError) and error.errno in DISK_FULL:
        return describe_full_disk(folder)
    if isinstance(error, MemoryError) or any(text in str(error) for text in OUT_OF_MEMORY):
        return f"Memory ran out. {MEMORY_ADVICE}"
    if isinstance(error, OSError) and error.errno in SYSTEM_REMEDIES:
        place = f"{os.fsdecode(error.filename)}: " if error.filename else f"In {os.fspath(folder)}: "
        return f"{place}{error.strerror}. {SYSTEM_REMEDIES[error.errno]}"
    if isinstance(error, BrokenProcessPool):
        return f"A worker process was {KILLED_ADVICE}"
    return ""


def describe_full_disk(folder: str | os.PathLike[str]) -> str:
    """Write the message for a full disk."""
    return f"No space left on the disk of {folder}. Free some space and start again. Finished results are kept."
