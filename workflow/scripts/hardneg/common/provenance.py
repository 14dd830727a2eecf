"""Record which software and which device made a result."""

import importlib.metadata
import platform

import numpy as np
import pandas as pd
import soundfile
import torch

import hardneg


def collect_versions(device: str) -> dict[str, str]:
    """Collect the versions of the software that decides a result, and the device that computed it."""
    name = torch.cuda.get_device_name() if device == "cuda" else platform.processor() or platform.machine()
    return {
        "hardneg": hardneg.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numba": importlib.metadata.version("numba"),
        "numpy": np.__version__,
        "pandas": pd.__version__,
        "librosa": importlib.metadata.version("librosa"),
        "libsndfile": soundfile.__libsndfile_version__,
        "device": f"{device}: {name}",
    }
