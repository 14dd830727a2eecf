"""Verify that results are still as their jobs made them."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from hardneg.common import job_records
from hardneg.common.errors import InputError
from hardneg.common.job_records import ARRAY_SUFFIX, MadeFile
from hardneg.features import store

LISTED_FILES = 20


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found.

    Attributes
    ----------
    unchanged : number of files with the content that their jobs wrote.
    changed : files with another content, or which are damaged.
    missing : files that were deleted since.
    """

    unchanged: int
    changed: list[str]
    missing: list[str]


def verify_results(results: str, threads: int) -> Verification:
    """Compare each result with the hash of what its job wrote.

    Parameters
    ----------
    results : the folder of the results.
    threads : files are read by this many threads.

    Raises
    ------
    InputError
        If the results have no records.
    """
    kept = job_records.read_copy(results)
    if not kept:
        raise InputError(
            f"{results} has no copy of the records of its jobs ({job_records.COPY}), so nothing can be verified. The "
            "next run that makes something writes it."
        )
    missing = [path for path in kept if not Path(results, path).exists()]
    present = [made for path, made in kept.items() if path not in missing]
    with ThreadPoolExecutor(threads) as pool:
        states = pool.map(lambda made: _is_unchanged(Path(results, made.path), made), present)
        changed = [made.path for made, unchanged in zip(present, states, strict=True) if not unchanged]
    return Verification(len(present) - len(changed), changed, missing)


def describe(verification: Verification) -> str:
    """Describe a verification that found no change.

    Raises
    ------
    InputError
        If a result has changed. The message lists the changed results.
    """
    if verification.changed:
        raise InputError(
            f"{len(verification.changed)} result(s) changed after their jobs wrote them. Delete them and run again:\n"
            + _list(verification.changed)
        )
    lines = [f"{verification.unchanged} results are as their jobs wrote them."]
    if verification.missing:
        lines += [f"{len(verification.missing)} results were deleted since:", _list(verification.missing)]
    return "\n".join(lines)


def _is_unchanged(path: Path, made: MadeFile) -> bool:
    size, _ = job_records.measure_file(path)
    if size != made.size:
        return False
    if path.suffix != ARRAY_SUFFIX:
        return job_records.hash_content(path) == made.sha256
    try:
        return not store.find_changed_arrays({str(path): str(path.with_suffix(".parquet"))}, threads=1)
    except (InputError, FileNotFoundError):
        return False


def _list(paths: list[str]) -> str:
    hidden = len(paths) - LISTED_FILES
    return "\n".join(
        [f"  {path}" for path in sorted(paths)[:LISTED_FILES]] + [f"  ... and {hidden} more"] * (hidden > 0)
    )
