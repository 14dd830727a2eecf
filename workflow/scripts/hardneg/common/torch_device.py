"""Choose where tensors live, and make what runs there repeatable."""

import os

import numpy as np
import torch

from hardneg.common.errors import InputError


def select_device(device: str, threads: int) -> str:
    """Resolve ``auto``, ``cpu`` or ``cuda`` to a torch device and set the number of CPU threads.

    Raises
    ------
    InputError
        If ``cuda`` is asked for and torch sees none.
    """
    torch.set_num_threads(threads)
    # By default a GPU's convolutions round to 10 bits; features and thresholds are to hold on a CPU too.
    torch.backends.cudnn.allow_tf32 = False
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("device is 'cuda' but torch sees no GPU here: set device to auto or cpu, or mend the driver.")
    return device


def seed_everything(seed: int) -> np.random.Generator:
    """Seed torch, ask it for deterministic algorithms, and give a NumPy generator of the same seed."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.manual_seed(seed)
    torch.set_deterministic_debug_mode("warn")  # use_deterministic_algorithms does the same and imports the compiler
    return np.random.default_rng(seed)
