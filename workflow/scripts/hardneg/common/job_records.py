"""Snakemake's records of the jobs that made files, and a copy of them that stays with the results.

Snakemake keeps one record for each file, with the parameters, the inputs and the code that made it, in the folder
``.snakemake/metadata``. It compares these records with the present configuration. Without them, a file that exists
looks finished for any configuration. The copy lies in the folder of the results. It survives the deletion of
``.snakemake``, and it also contains the hash of each file as it was made.
"""

import base64
import gzip
import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hardneg.common.errors import InputError
from hardneg.common.files import atomic_write

METADATA = Path(".snakemake/metadata")
"""Where Snakemake records the jobs that made each file."""
INCOMPLETE = Path(".snakemake/incomplete")
"""Where Snakemake marks the files of jobs that run or were stopped."""
COPY = "made_from.jsonl.gz"
ARRAY_SUFFIX = ".npy"  # arrays are large, and their index contains a hash of their rows

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A file as its job made it.

    Attributes
    ----------
    path : relative to the folder of the results.
    size : bytes; -1 for a folder.
    modified_ns : time of modification (ns).
    sha256 : of its content; empty for arrays and folders.
    record : Snakemake's record of the job.
    """

    path: str
    size: int
    modified_ns: int
    sha256: str
    record: Record

    def is_at(self, path: Path) -> bool:
        """Return whether the file at `path` has the recorded content. A copy may have another time."""
        size, modified_ns = measure_file(path)
        if size != self.size:
            return False
        return modified_ns == self.modified_ns or hash_content(path) == self.sha256


def locate_record(folder: Path, path: str) -> Path:
    """Locate Snakemake's record of a file in :data:`METADATA` or :data:`INCOMPLETE`.

    The name of a record is the base64 of the file's path. A name that is too long for the file system is split into
    folders that begin with ``@``.
    """
    encoded = base64.urlsafe_b64encode(path.encode("utf-8", "surrogateescape")).decode()
    longest = os.pathconf(folder, "PC_NAME_MAX") - 1
    parts = [encoded[start : start + longest] for start in range(0, len(encoded), longest)]
    return Path(folder, *(f"@{part}" for part in parts[:-1]), parts[-1])


def read_job_record(folder: str | os.PathLike[str], path: str) -> Record:
    """Read Snakemake's record of a file; empty if there is none, or if it is damaged."""
    record_path = locate_record(Path(folder), path)
    try:
        record: Record = json.loads(record_path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return record


def list_recorded(folder: Path) -> dict[str, int]:
    """List the files that have a record in :data:`METADATA` or :data:`INCOMPLETE`, and when each was recorded (ns)."""
    recorded = {}
    for parent, _, names in os.walk(folder):
        prefix = "".join(part.removeprefix("@") for part in Path(parent).relative_to(folder).parts)
        for name in names:
            try:
                path = base64.urlsafe_b64decode(prefix + name).decode("utf-8", "surrogateescape")
                recorded[path] = Path(parent, name).stat().st_mtime_ns
            except (ValueError, FileNotFoundError):  # no record, or one that was just removed
                continue
    return recorded


def keep_records(results: str, metadata: Path = METADATA) -> None:
    """Bring the copy in the folder of the results up to date with Snakemake's records.

    A file whose record has not changed keeps its hash, so that a later change of the file can be found.

    Parameters
    ----------
    results : the folder, as in the configuration.
    metadata : Snakemake's records.
    """
    if not Path(results).is_dir():
        return
    copy = Path(results, COPY)
    kept = read_copy(results)
    copied_ns = copy.stat().st_mtime_ns if copy.exists() else 0
    made = dict(kept)
    for path, recorded_ns in list_recorded(metadata).items():
        relative = _find_relative(path, results)
        is_known = relative in kept and recorded_ns < copied_ns
        if relative is None or is_known:
            continue
        record = read_job_record(metadata, path)
        if record and (relative not in kept or kept[relative].record != record):
            size, modified_ns = measure_file(Path(path))
            made[relative] = MadeFile(relative, size, modified_ns, hash_content(Path(path)), record)
    made = {relative: file for relative, file in made.items() if Path(results, relative).exists()}
    if made == kept and copy.exists():
        return
    with atomic_write(copy) as draft, gzip.open(draft, "wt", encoding="utf-8", compresslevel=3) as lines:
        lines.write(json.dumps({"results": results}) + "\n")
        lines.writelines(json.dumps(asdict(made[relative])) + "\n" for relative in sorted(made))


def read_copy(results: str) -> dict[str, MadeFile]:
    """Read the copy of the records, by path relative to the results; empty if there is none, or of another folder.

    Raises
    ------
    InputError
        If the copy is damaged.
    """
    path = Path(results, COPY)
    if not path.is_file():
        return {}
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            origin = json.loads(next(lines))["results"]
            files = [MadeFile(**json.loads(line)) for line in lines]
    except (OSError, EOFError, StopIteration, ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path} is damaged ({error}): delete it and start again.") from error
    return {file.path: file for file in files} if origin == results else {}


def restore_records(results: str, metadata: Path = METADATA) -> set[str]:
    """Give Snakemake the records that it lost back, of all results that are still as they were made.

    Parameters
    ----------
    results : the folder, as in the configuration.
    metadata : Snakemake's records.

    Returns
    -------
    The files whose records were restored, as Snakemake names them.
    """
    for folder in (metadata, metadata.with_name(INCOMPLETE.name)):
        folder.mkdir(parents=True, exist_ok=True)
    known = list_recorded(metadata)
    restored = set()
    for made in read_copy(results).values():
        path = f"{results.rstrip('/')}/{made.path}"
        if path not in known and made.is_at(Path(path)):
            record_path = locate_record(metadata, path)
            record_path.parent.mkdir(parents=True, exist_ok=True)
            record_path.write_text(json.dumps(made.record), encoding="utf-8")
            restored.add(path)
    return restored


def measure_file(path: Path) -> tuple[int, int]:
    """Return the size (bytes; -1 for a folder, -2 for a missing file) and the time of modification (ns)."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return -2, 0
    return (-1 if path.is_dir() else status.st_size), status.st_mtime_ns


def hash_content(path: Path) -> str:
    """Return the SHA-256 of a file; ``""`` for arrays, folders and missing files."""
    if path.suffix == ARRAY_SUFFIX or not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _find_relative(path: str, results: str) -> str | None:
    """Return a path relative to the results; None if it lies elsewhere."""
    prefix = results.rstrip("/") + "/"
    return path[len(prefix) :] if path.startswith(prefix) else None
