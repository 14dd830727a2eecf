"""Extraction on a GPU: processes decode into pinned memory while the device resamples and extracts.

The same code runs on a CPU, without overlap between copying and computing. The tests use that.
"""

import mmap
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from hardneg.audio import decoding, resampling, windowing
from hardneg.audio.decoder_crashes import name_culprit
from hardneg.audio.device_resampling import Resampler, has_fast_blocks
from hardneg.audio.resampling import resampled_length
from hardneg.audio.windowing import AudioChunk, WindowSpec
from hardneg.common import process_pool

BATCH_SAMPLES = 1 << 23
BATCHES_AHEAD = 2  # batches for each process that are decoded before the device needs them
BATCHES_ON_DEVICE = 2  # batches that the device has received and that are not yet written


@dataclass(frozen=True, slots=True)
class DecodedBatch:
    """A batch of chunks that a process has decoded into a slot of shared memory.

    Attributes
    ----------
    slot : number of the slot.
    dtype : int16, or float32 with full scale at 1.
    rate : Hz.
    counts : samples of each chunk. The slot has chunks x the largest count; samples after the end of a chunk are zero.
    """

    slot: int
    dtype: str
    rate: int
    counts: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _PendingBatch:
    """Features on their way from the device to host memory, complete once `finished` (None on a CPU) has happened."""

    chunks: list[AudioChunk]
    features: torch.Tensor
    finished: torch.cuda.Event | None

    def wait(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float16]]:
        """Wait for the features, and return their rows and values."""
        if self.finished:
            self.finished.synchronize()
        rows = np.concatenate([chunk.first_row + np.arange(len(chunk.starts)) for chunk in self.chunks])
        return rows, self.features.numpy()


def batch_similar_chunks(chunks: list[AudioChunk]) -> Iterator[list[AudioChunk]]:
    """Group chunks of one rate and similar length into batches.

    A batch has at most :data:`BATCH_SAMPLES`, unless a single chunk has more.
    """
    batch: list[AudioChunk] = []
    for chunk in sorted(chunks, key=lambda chunk: (chunk.rate, chunk.frames)):
        if batch and (chunk.rate != batch[0].rate or (len(batch) + 1) * chunk.frames > BATCH_SAMPLES):
            yield batch
            batch = []
        batch.append(chunk)
    if batch:
        yield batch


def compute_features(
    batches: list[list[AudioChunk]],
    windows: WindowSpec,
    extractor: Callable[[torch.Tensor], torch.Tensor],
    device: str,
    processes: int,
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.float16]]]:
    """Compute the features of batches of chunks.

    Parameters
    ----------
    batches : from :func:`batch_similar_chunks`.
    windows, extractor, device : see :func:`hardneg.features.extraction.write_features`.
    processes : number of processes that decode.

    Yields
    ------
    rows : rows of the windows in the array of features, shape (n,).
    features : float16, shape (n, ...). Use them before the next iteration, which may overwrite them.
    """
    on_gpu = device != "cpu"
    slot_bytes = max((_compute_slot_bytes(batch, windows) for batch in batches), default=0)
    slots = _allocate_shared(BATCHES_AHEAD * processes + BATCHES_ON_DEVICE + 2, slot_bytes)
    is_pinned = False
    copy_stream = torch.cuda.Stream() if on_gpu else None  # type: ignore[no-untyped-call] # torch has no type for it
    resamplers = cache(lambda rate: Resampler(rate, windows.rate).to(device))
    pending: deque[_PendingBatch] = deque()
    decode = partial(_decode, batches=batches, windows=windows, slots=slots.numpy())
    try:
        decoded_batches = process_pool.map_in_order(
            decode,
            range(len(batches)),
            processes,
            BATCHES_AHEAD,
            on_crash=lambda position: name_culprit(batches[position:]),
        )
        for batch, decoded in zip(batches, decoded_batches, strict=True):
            if on_gpu and not is_pinned:  # after the processes have started, because they must inherit plain memory
                _pin(slots)
                is_pinned = True
            samples = _copy_to_device(slots, decoded, device, copy_stream)
            with torch.inference_mode():
                features = extractor(_cut_windows(samples, batch, decoded, windows, resamplers)).half().contiguous()
                result = torch.empty(features.shape, dtype=torch.float16, pin_memory=on_gpu)
                result.copy_(features, non_blocking=True)
            finished = torch.cuda.Event() if on_gpu else None  # type: ignore[no-untyped-call] # as above
            if finished:
                finished.record()
            pending.append(_PendingBatch(batch, result, finished))
            if len(pending) > BATCHES_ON_DEVICE:
                yield pending.popleft().wait()
        while pending:
            yield pending.popleft().wait()
    finally:
        if is_pinned:
            torch.cuda.synchronize()
            torch.cuda.cudart().cudaHostUnregister(slots.data_ptr())  # type: ignore[no-untyped-call] # as above


def _allocate_shared(slots: int, slot_bytes: int) -> torch.Tensor:
    """Allocate bytes, shape (slots, slot_bytes), that forked processes share.

    They are not in /dev/shm, which is small in containers.
    """
    memory = mmap.mmap(-1, max(slots * slot_bytes, 1))
    return torch.frombuffer(memory, dtype=torch.uint8)[: slots * slot_bytes].view(slots, slot_bytes)


def _pin(slots: torch.Tensor) -> None:
    """Lock shared memory in place, so that the GPU can copy from it while it computes."""
    runtime = torch.cuda.cudart()  # type: ignore[no-untyped-call] # torch has no type for it
    torch.cuda.check_error(runtime.cudaHostRegister(slots.data_ptr(), slots.nbytes, 0))


def _copy_to_device(
    slots: torch.Tensor, decoded: DecodedBatch, device: str, copy_stream: torch.cuda.Stream | None
) -> torch.Tensor:
    """Copy the samples of a slot to the device, on a separate stream if there is one: shape (chunks, samples)."""
    used = slots[decoded.slot].numpy().view(decoded.dtype)[: len(decoded.counts) * decoded.counts.max()]
    stored = torch.from_numpy(used).view(len(decoded.counts), -1)
    with torch.inference_mode(), torch.cuda.stream(copy_stream):
        samples = stored.to(device, non_blocking=True)
    if copy_stream is not None:
        torch.cuda.current_stream().wait_stream(copy_stream)
        samples.record_stream(torch.cuda.current_stream())
    return samples


def _cut_windows(
    samples: torch.Tensor,
    batch: list[AudioChunk],
    decoded: DecodedBatch,
    windows: WindowSpec,
    resamplers: Callable[[int], Resampler],
) -> torch.Tensor:
    """Resample decoded chunks and cut their windows: float32, shape (windows, length)."""
    if samples.dtype == torch.int16:
        samples = samples.float() * 2.0**-15
    lengths = resampled_length(decoded.counts, decoded.rate, windows.rate)
    resampled = samples if decoded.rate == windows.rate else resamplers(decoded.rate)(samples, int(lengths.max()))
    # The filter rings on after the end of a recording, where samples must be zero.
    positions = torch.arange(resampled.shape[1], device=resampled.device)
    resampled = resampled * (positions < torch.from_numpy(lengths).to(resampled.device)[:, None])
    starts = np.concatenate([chunk.starts for chunk in batch])
    sizes = [len(chunk.starts) for chunk in batch]
    chunk_numbers = torch.from_numpy(np.repeat(np.arange(len(sizes)), sizes)).to(resampled.device)
    missing = max(int(starts.max()) + windows.length - resampled.shape[1], 0)
    return torch.nn.functional.pad(resampled, (0, missing)).unfold(1, windows.length, 1)[
        chunk_numbers, torch.from_numpy(starts).to(resampled.device)
    ]


def _compute_slot_bytes(batch: list[AudioChunk], windows: WindowSpec) -> int:
    """Compute how many bytes a batch needs in a slot at most."""
    longest = max(chunk.frames for chunk in batch)
    if not _resamples_on_device(batch[0].rate, windows):
        longest = resampled_length(longest, batch[0].rate, windows.rate)
    return 4 * len(batch) * longest


def _resamples_on_device(rate: int, windows: WindowSpec) -> bool:
    return rate == windows.rate or has_fast_blocks(rate, windows.rate)


def _decode(
    position: int, batches: list[list[AudioChunk]], windows: WindowSpec, slots: npt.NDArray[np.uint8]
) -> DecodedBatch:
    # A slot is used again only after the features of its earlier batch have been waited for.
    batch, slot = batches[position], position % len(slots)
    rate = batch[0].rate
    parts: list[npt.NDArray[Any]] = [windowing.read_chunk(chunk) for chunk in batch]
    if not _resamples_on_device(rate, windows):
        parts = [resampling.mix_down_and_resample(part, rate, windows.rate) for part in parts]
        rate = windows.rate
    elif all(part.dtype == np.int16 and part.shape[1] == 1 for part in parts):
        parts = [part[:, 0] for part in parts]
    else:
        parts = [decoding.to_float_mono(part) for part in parts]
    counts = np.array([len(part) for part in parts])
    rows = slots[slot].view(parts[0].dtype)[: len(parts) * counts.max()].reshape(len(parts), -1)
    for row, part in zip(rows, parts, strict=True):
        row[: len(part)] = part
        row[len(part) :] = 0
    return DecodedBatch(slot, str(parts[0].dtype), rate, counts)
