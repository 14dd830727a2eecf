"""Extract features on a GPU: processes decode into pinned memory while the device resamples and transforms.

The same code runs on a CPU, where nothing overlaps; the tests use it so.
"""

import mmap
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import torch

from hardneg.audio import decoding, resampling, windowing
from hardneg.audio.resampling import Resampler, has_fast_blocks, resampled_length
from hardneg.audio.windowing import AudioChunk, WindowSpec
from hardneg.common import process_pool

BATCH_SAMPLES = 1 << 23
AHEAD = 2
# Batches on the device that are not yet written.
UNDER_WAY = 2


@dataclass(frozen=True)
class Decoded:
    """What a process has put into a slot.

    Attributes
    ----------
    slot : which slot.
    dtype : int16, or float32 with full scale at 1.
    rate : Hz.
    counts : samples of each stretch; the slot holds stretches x the largest, the rest is zero.
    """

    slot: int
    dtype: str
    rate: int
    counts: np.ndarray


def batches(planned: list[AudioChunk]) -> Iterator[list[AudioChunk]]:
    """Put stretches of one rate and like length together, of at most :data:`BATCH_SAMPLES` unless one has more."""
    held: list[AudioChunk] = []
    for stretch in sorted(planned, key=lambda stretch: (stretch.rate, stretch.frames)):
        if held and (stretch.rate != held[0].rate or (len(held) + 1) * stretch.frames > BATCH_SAMPLES):
            yield held
            held = []
        held.append(stretch)
    if held:
        yield held


def compute(
    planned: list[list[AudioChunk]], windows: WindowSpec, front_end: torch.nn.Module, device: str, processes: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Give the features of batches of stretches.

    Parameters
    ----------
    planned : from :func:`batches`.
    windows, front_end, device : see :func:`hardneg.features.extraction.extract`.
    processes : that decode.

    Yields
    ------
    rows : where the windows' features belong, shape (n,).
    features : float16, shape (n, ...), to be used before the next is asked for.
    """
    overlap = device != "cpu"
    longest = max((_room(batch, windows) for batch in planned), default=0)
    slots, registered = _shared(AHEAD * processes + UNDER_WAY + 2, longest), False
    copying = torch.cuda.Stream() if overlap else None
    resamplers = cache(lambda rate: Resampler(rate, windows.rate).to(device))
    under_way: deque = deque()
    decode = partial(_decode, planned=planned, windows=windows, slots=slots.numpy())
    try:
        results = process_pool.map_in_order(decode, range(len(planned)), processes, AHEAD)
        for batch, decoded in zip(planned, results, strict=True):
            if overlap and not registered:  # now that the processes are there, which are to inherit plain memory
                torch.cuda.check_error(torch.cuda.cudart().cudaHostRegister(slots.data_ptr(), slots.nbytes, 0))
                registered = True
            held = slots[decoded.slot].numpy().view(decoded.dtype)[: len(decoded.counts) * decoded.counts.max()]
            stored = torch.from_numpy(held).view(len(decoded.counts), -1)
            with torch.inference_mode(), torch.cuda.stream(copying):
                samples = stored.to(device, non_blocking=True)
            if overlap:
                torch.cuda.current_stream().wait_stream(copying)
                samples.record_stream(torch.cuda.current_stream())
            with torch.inference_mode():
                heard = _windows(samples, batch, decoded, windows, resamplers)
                features = front_end(heard).half().contiguous()
                result = torch.empty(features.shape, dtype=torch.float16, pin_memory=overlap)
                result.copy_(features, non_blocking=True)
            finished = torch.cuda.Event() if overlap else None
            if finished:
                finished.record()
            under_way.append((batch, result, finished))
            if len(under_way) > UNDER_WAY:
                yield _await(*under_way.popleft())
        while under_way:
            yield _await(*under_way.popleft())
    finally:
        if registered:
            torch.cuda.synchronize()
            torch.cuda.cudart().cudaHostUnregister(slots.data_ptr())


def _shared(slots: int, longest: int) -> torch.Tensor:
    """Bytes, shape (slots, longest), that forked processes share; not in /dev/shm, which containers keep small."""
    memory = mmap.mmap(-1, max(slots * longest, 1))
    return torch.frombuffer(memory, dtype=torch.uint8)[: slots * longest].view(slots, longest)


def _windows(
    samples: torch.Tensor, batch: list[AudioChunk], decoded: Decoded, windows: WindowSpec, resamplers
) -> torch.Tensor:
    """Resample what was decoded and cut its windows: float32, shape (windows, length)."""
    if samples.dtype == torch.int16:
        samples = samples.float() * 2.0**-15
    lengths = resampled_length(decoded.counts, decoded.rate, windows.rate)
    heard = samples if decoded.rate == windows.rate else resamplers(decoded.rate)(samples, int(lengths.max()))
    # The filter rings on where a recording has ended.
    place = torch.arange(heard.shape[1], device=heard.device)
    heard = heard * (place < torch.from_numpy(lengths).to(heard.device)[:, None])
    starts = np.concatenate([stretch.starts for stretch in batch])
    sizes = [len(stretch.starts) for stretch in batch]
    which = torch.from_numpy(np.repeat(np.arange(len(sizes)), sizes)).to(heard.device)
    missing = max(int(starts.max()) + windows.length - heard.shape[1], 0)
    return torch.nn.functional.pad(heard, (0, missing)).unfold(1, windows.length, 1)[
        which, torch.from_numpy(starts).to(heard.device)
    ]


def _await(batch: list[AudioChunk], features: torch.Tensor, finished) -> tuple[np.ndarray, np.ndarray]:
    if finished:
        finished.synchronize()
    rows = np.concatenate([stretch.first_row + np.arange(len(stretch.starts)) for stretch in batch])
    return rows, features.numpy()


def _room(batch: list[AudioChunk], windows: WindowSpec) -> int:
    """Bytes that a batch takes at most in a slot."""
    longest = max(stretch.frames for stretch in batch)
    if not _on_device(batch[0].rate, windows):
        longest = resampled_length(longest, batch[0].rate, windows.rate)
    return 4 * len(batch) * longest


def _on_device(rate: int, windows: WindowSpec) -> bool:
    return rate == windows.rate or has_fast_blocks(rate, windows.rate)


def _decode(place: int, planned: list[list[AudioChunk]], windows: WindowSpec, slots: np.ndarray) -> Decoded:
    # A slot is taken again only when the batch that was in it has been awaited.
    batch, slot = planned[place], place % len(slots)
    rate = batch[0].rate
    parts = [windowing.read_chunk(stretch) for stretch in batch]
    if not _on_device(rate, windows):
        parts = [resampling.to_working_rate(part, rate, windows.rate) for part in parts]
        rate = windows.rate
    elif all(part.dtype == np.int16 and part.shape[1] == 1 for part in parts):
        parts = [part[:, 0] for part in parts]
    else:
        parts = [decoding.to_float_mono(part) for part in parts]
    counts = np.array([len(part) for part in parts])
    held = slots[slot].view(parts[0].dtype)[: len(parts) * counts.max()].reshape(len(parts), -1)
    for row, part in zip(held, parts, strict=True):
        row[: len(part)] = part
        row[len(part) :] = 0
    return Decoded(slot, str(parts[0].dtype), rate, counts)
