"""What the machine has and what its jobs find, told without importing torch."""

import os
from pathlib import Path

DEVICE_FILES = ("/dev/nvidia0", "/dev/dxg")


def wants_gpu(device: str) -> bool:
    """Whether jobs that run networks are to ask the scheduler for a GPU.

    Parameters
    ----------
    device : ``cuda`` asks always (the controller of a cluster may have none itself), ``cpu`` never, ``auto`` where this
        machine has an NVIDIA device (or Windows' stand-in for one).
    """
    return device == "cuda" or (device == "auto" and any(Path(name).exists() for name in DEVICE_FILES))


def lead_jobs_to(scripts: Path) -> None:
    """Let jobs find the package in `scripts` first, before one that is installed from another copy of the project."""
    others = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(scripts.resolve()), others]))
