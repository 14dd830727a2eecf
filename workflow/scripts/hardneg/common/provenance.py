"""What a result was made with."""

import importlib.metadata
import platform

import librosa
import numpy as np
import pandas as pd
import soundfile
import torch

import hardneg


def collect_versions(device: str) -> dict[str, str]:
    """Versions of what decides a result, and the device that computed it."""
    name = torch.cuda.get_device_name() if device == "cuda" else platform.processor() or platform.machine()
    return {
        "hardneg": hardneg.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numba": importlib.metadata.version("numba"),
        "numpy": np.__version__,
        "pandas": pd.__version__,
        "librosa": librosa.__version__,
        "libsndfile": soundfile.__libsndfile_version__,
        "device": f"{device}: {name}",
    }
