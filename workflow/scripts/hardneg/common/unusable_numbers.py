"""Find numbers that no setting can mean, in a configuration or in the description of a model."""

import math
from collections.abc import Iterator


def find_unusable_numbers(part: object, path: str = "") -> Iterator[str]:
    """Find infinite numbers, NaN, and integers that do not fit into 64 bits.

    >>> list(find_unusable_numbers({"windows": {"hop_s": float("inf")}, "seeds": [1]}))
    ['windows.hop_s: inf is not a number that can be used here']
    """
    if isinstance(part, float) and not math.isfinite(part):
        yield f"{path}: {part} is not a number that can be used here"
    elif isinstance(part, int) and not -(2**63) <= part < 2**63:
        yield f"{path}: {part:.3g} is too large: integers have at most 64 bits"
    children = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for key, child in children:
        yield from find_unusable_numbers(child, f"{path}.{key}" if path else str(key))
