"""Import torchaudio beside a CPU build of torch as well as beside a CUDA build.

The registry's torchaudio is linked against CUDA, so beside a CPU torch its compiled extension cannot be loaded
and the import fails. Nothing here uses that extension (transforms and filter banks are plain torch), so on such a
machine it is declared absent before the import.
"""

import sys
import types

import torch

if torch.version.cuda is None and "torchaudio" not in sys.modules:
    absent = types.ModuleType("torchaudio._extension")
    absent._IS_TORCHAUDIO_EXT_AVAILABLE = False
    absent._check_cuda_version = lambda: None
    absent.fail_if_no_align = lambda function: function
    sys.modules["torchaudio._extension"] = absent

import torchaudio

__all__ = ["torchaudio"]
