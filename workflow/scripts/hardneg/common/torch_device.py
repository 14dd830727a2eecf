"""Select the device that tensors are on, and make its computations repeatable."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from hardneg.common import gpu_detection
from hardneg.common.errors import InputError
from hardneg.common.log import logger


def select_device(device: str, threads: int) -> str:
    """Resolve ``auto``, ``cpu`` or ``cuda`` to a torch device, and set the number of CPU threads.

    Raises
    ------
    InputError
        If `device` is ``cuda`` and torch finds no GPU.
    """
    torch.set_num_threads(threads)
    # By default, convolutions on a GPU round to 10 bits. Features and scores must be those of a CPU.
    torch.backends.cudnn.allow_tf32 = False
    if device == "auto":
        if torch.cuda.is_available():
            return "cuda"
        if gpu_detection.has_gpu():
            logger.warning(
                "device is auto: the NVIDIA device is not used, because torch %s finds no working driver for it.",
                torch.__version__,
            )
        return "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("device is 'cuda', but torch finds no GPU. Set device to auto or cpu, or repair the driver.")
    return device


def make_deterministic() -> None:
    """Ask torch for algorithms that return the same result each time."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_deterministic_debug_mode("warn")  # use_deterministic_algorithms does the same but imports the compiler
    # Filling memory before it is written takes a launch for each allocation on a GPU.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined] # a property of the module


@contextmanager
def round_convolutions() -> Iterator[None]:
    """Let convolutions on a GPU round their inputs to 10 bits (TF32), as torch does by default.

    That is enough for the steps of a training and takes less than half the time. Scores must not depend on the device.
    """
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = True
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before
