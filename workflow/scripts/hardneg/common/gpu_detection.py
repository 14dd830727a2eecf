"""Find out, without importing torch, whether jobs on this machine can use a GPU."""

import ctypes
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

DEVICES = Path("/dev")
DRIVER = "libcuda.so.1"
# A container may get any one of the machine's GPUs, not only the first. Windows offers GPUs to Linux as "dxg".
GPU_FILES = ("nvidia[0-9]*", "dxg")


def should_request_gpu(device: str) -> bool:
    """Decide whether jobs that run networks ask the scheduler for a GPU.

    Parameters
    ----------
    device : ``cuda`` always asks, because the machine that plans the jobs of a cluster may have no GPU. ``cpu`` never
        asks. ``auto`` asks if this machine has an NVIDIA device and a torch that can use it.
    """
    return device == "cuda" or (device == "auto" and has_gpu())


def has_gpu() -> bool:
    """Return whether this machine has a GPU, and its torch is not a build without CUDA."""
    return has_device_file() and _has_cuda_build()


def has_device_file() -> bool:
    """Return whether this machine has an NVIDIA device."""
    return any(any(DEVICES.glob(name)) for name in GPU_FILES)


def has_driver() -> bool:
    """Return whether the driver of NVIDIA devices can be loaded and finds one."""
    try:
        driver = ctypes.CDLL(DRIVER)
        return bool(driver.cuInit(0) == 0)
    except (OSError, AttributeError):
        return False


def _has_cuda_build() -> bool:
    """Return whether the version of torch allows CUDA. Its build follows a plus sign; the default build uses CUDA."""
    try:
        _, _, build = version("torch").partition("+")
    except PackageNotFoundError:  # the jobs' own environment may have it
        return True
    return build == "" or build.startswith("cu")
