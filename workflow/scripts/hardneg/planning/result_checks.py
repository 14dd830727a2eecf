"""Check, before anything is planned, that Snakemake knows how the results that exist were made."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from hardneg.common import job_records
from hardneg.common.errors import InputError

UNRECORDED_FOLDERS = ("logs", "benchmarks")
LISTED_FILES = 5


def refuse_files_as_folders(outputs: Iterable[str]) -> None:
    """Refuse a file that stands where the workflow will make a folder. Snakemake would end with a traceback.

    Parameters
    ----------
    outputs : paths of outputs, with wildcards in braces.

    Raises
    ------
    InputError
        If such a file exists.
    """
    folders = {parent for output in outputs for parent in Path(output.partition("{")[0] + "x").parents}
    files = sorted(str(folder) for folder in folders if folder.exists() and not folder.is_dir())
    if files:
        raise InputError(f"{files[0]} is a file, but the workflow needs a folder of this name. Move the file away.")


def refuse_unknown_results(results: str, outputs: Iterable[re.Pattern[str]]) -> None:
    """Restore Snakemake's records from the copy in the results where it lost them, and refuse results without any.

    Parameters
    ----------
    results : the folder of the results, as in the configuration.
    outputs : match the outputs of all rules.

    Raises
    ------
    InputError
        If results exist whose origin nobody knows, or which are empty files. The message gives the ways out.
    """
    patterns = list(outputs)
    known = job_records.list_recorded(job_records.METADATA)
    begun = job_records.list_recorded(job_records.INCOMPLETE)
    files = [(path, size) for path, size in _list_files(results) if path not in begun]
    unrecorded = [path for path, _ in files if path not in known and _is_output(path, patterns)]
    if unrecorded:
        restored = job_records.restore_records(results)
        unrecorded = [path for path in unrecorded if path not in restored]
    if unrecorded:
        raise InputError(
            f"{results} contains {len(unrecorded)} file(s) that Snakemake has no record of:\n{_list(unrecorded)}\n"
            "The records were deleted with the folder .snakemake, or the files were copied, moved or changed. Without "
            "records, a changed configuration would look like finished work. Choose one of these ways:\n"
            f"  - Move {results} away, or delete it, and run again.\n"
            "  - Put the folder .snakemake back.\n"
            "  - Delete these files. They are made again when they are needed.\n"
            "  - If you are certain that the present configuration made these results, accept them: run Snakemake once "
            "with --touch --forceall and the targets that made them, and then as usual."
        )
    empty = [path for path, size in files if size == 0 and _is_output(path, patterns)]
    if empty:
        raise InputError(f"These results are empty files. Delete them and run again.\n{_list(empty)}")


def _list_files(results: str) -> Iterator[tuple[str, int]]:
    """List the files below the results, as Snakemake names them, with their sizes."""
    for parent, folders, names in os.walk(results):
        if parent == results:
            folders[:] = [folder for folder in folders if folder not in UNRECORDED_FOLDERS]
        for name in names:
            path = os.path.join(parent, name)  # noqa: PTH118, a Path would lose "./"
            yield path, job_records.measure_file(Path(path))[0]


def _is_output(path: str, patterns: list[re.Pattern[str]]) -> bool:
    return any(pattern.match(path) for pattern in patterns)


def _list(paths: list[str]) -> str:
    hidden = len(paths) - LISTED_FILES
    return "\n".join(
        [f"  {path}" for path in sorted(paths)[:LISTED_FILES]] + [f"  ... and {hidden} more"] * (hidden > 0)
    )
