"""What the machine has and what its jobs find, told without importing torch."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

DEVICES = Path("/dev")
# A container may be given any one of the machine's GPUs, not the first. The last is Windows' stand-in for one.
GPU_FILES = ("nvidia[0-9]*", "dxg")


def should_request_gpu(device: str) -> bool:
    """Whether jobs that run networks are to ask the scheduler for a GPU.

    Parameters
    ----------
    device : ``cuda`` asks always (the controller of a cluster may have none itself), ``cpu`` never, ``auto`` where this
        machine has an NVIDIA device (or Windows' stand-in for one) and a torch that can use it.
    """
    return device == "cuda" or (device == "auto" and has_gpu())


def has_gpu() -> bool:
    """Whether there is a GPU, and the torch installed here is not a build without CUDA, as far as its version says."""
    return any(any(DEVICES.glob(name)) for name in GPU_FILES) and _built_for_cuda()


def _built_for_cuda() -> bool:
    """A build's name is behind the version's plus; the registry's own builds, which are for CUDA, have none."""
    try:
        _, _, build = version("torch").partition("+")
    except PackageNotFoundError:  # the jobs' own environment may have it
        return True
    return build == "" or build.startswith("cu")
