"""Random draws that depend on names alone: a name gets the same draw on every machine and in every run."""

import hashlib
import json

import numpy as np
import numpy.typing as npt


def digest(value: object, length: int = 16) -> str:
    """Hash a value that consists of JSON types: the first `length` hexadecimal characters of its SHA-256."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def hash_names(names: list[str], salt: str) -> npt.NDArray[np.uint64]:
    """Map each name to a 64-bit number that looks random and never changes.

    Parameters
    ----------
    names : any strings.
    salt : makes the numbers for different purposes independent of each other.
    """
    digests = (hashlib.sha256(f"{salt}\0{name}".encode("utf-8", "surrogateescape")).digest() for name in names)
    return np.array([int.from_bytes(digest[:8], "big") for digest in digests], dtype=np.uint64)


def uniform(names: list[str], salt: str) -> npt.NDArray[np.float64]:
    """Map each name to a number in [0, 1) that looks uniform and never changes; see :func:`hash_names`."""
    numbers: npt.NDArray[np.float64] = hash_names(names, salt) / 2**64
    return numbers
