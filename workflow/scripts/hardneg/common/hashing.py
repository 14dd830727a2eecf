"""Random draws that depend on names alone: a name gets the same draw on every machine and in every run."""

import hashlib
import json

import numpy as np
import numpy.typing as npt


def digest(value: object, length: int = 16) -> str:
    """Hash a value that consists of JSON types: the first `length` hexadecimal characters of its SHA-256."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def uniform(names: list[str], salt: str) -> npt.NDArray[np.float64]:
    """Map each name to a number in [0, 1) that looks uniform and never changes.

    Parameters
    ----------
    names : any strings.
    salt : makes the draws for different purposes independent of each other.

    Returns
    -------
    float64 array, one number per name.
    """
    draws = (hashlib.sha256(f"{salt}\0{name}".encode("utf-8", "surrogateescape")).digest() for name in names)
    return np.array([int.from_bytes(draw[:8], "big") / 2**64 for draw in draws], dtype=np.float64)
