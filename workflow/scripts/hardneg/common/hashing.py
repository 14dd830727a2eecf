"""Draws that depend on names alone: the same name falls the same way on every machine and run."""

import hashlib
import json

import numpy as np


def digest(value: object, length: int = 16) -> str:
    """Hexadecimal SHA-256 of a value made of JSON's types, cut to `length` characters."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def uniform(names: list[str], salt: str) -> np.ndarray:
    """Map each name to a number in [0, 1) that looks uniform and never changes.

    Parameters
    ----------
    names : any strings.
    salt : keeps the draws of different purposes independent of each other.

    Returns
    -------
    float64 array, one number per name.
    """
    draws = (hashlib.sha256(f"{salt}\0{name}".encode("utf-8", "surrogateescape")).digest() for name in names)
    return np.array([int.from_bytes(draw[:8], "big") / 2**64 for draw in draws], dtype=np.float64)
