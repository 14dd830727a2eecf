"""Write a file completely or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and move it into place if the block ends without an error.

    A reader never sees half a file. A job that is killed leaves the old file (or none) and a draft, which its next
    attempt replaces.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def write_text(text: str, path: str | os.PathLike[str]) -> None:
    """Write UTF-8 `text` to `path`, completely or not at all."""
    with atomic_write(path) as draft:
        draft.write_text(text, encoding="utf-8")
