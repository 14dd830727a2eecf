"""Find the recording whose decoding ends the process."""

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import chain, islice
from typing import NoReturn

from hardneg.audio.windowing import AudioChunk, changed_file_error, read_chunk
from hardneg.common import crash_isolation, process_context
from hardneg.common.errors import KILLED_ADVICE, InputError

MAX_SUSPECTS = 2000


def name_culprit(batches: list[list[AudioChunk]]) -> NoReturn:
    """Name the recording that ended a process that worked on these batches.

    Each chunk is decoded again, in a separate process.

    Raises
    ------
    InputError
        Always; with the path of the recording, if decoding it ends the process again.
    """
    start_pool = partial(ProcessPoolExecutor, mp_context=process_context.get_context())
    for chunk in islice(chain.from_iterable(batches), MAX_SUSPECTS):
        crash_isolation.run_alone(_decode, chunk, start_pool, _raise_crash)
    raise InputError(f"A worker process was {KILLED_ADVICE}")


def _decode(chunk: AudioChunk) -> None:
    read_chunk(chunk)


def _raise_crash(chunk: AudioChunk) -> NoReturn:
    raise changed_file_error(chunk, "the decoder crashed or ran out of memory")
