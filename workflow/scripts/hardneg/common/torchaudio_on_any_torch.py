"""Import torchaudio with a CPU build of torch as well as with a CUDA build.

The published torchaudio is linked with CUDA. With a CPU build of torch, its compiled extension cannot be loaded, and
the import fails. This package uses only transforms and filter banks, which need no extension. With a CPU build, this
module therefore replaces the extension by an empty module before the import.
"""

import sys
import types

import torch

if torch.version.cuda is None and "torchaudio" not in sys.modules:
    extension = types.ModuleType("torchaudio._extension")
    vars(extension).update(
        _IS_TORCHAUDIO_EXT_AVAILABLE=False,
        _check_cuda_version=lambda: None,
        fail_if_no_align=lambda function: function,
    )
    sys.modules["torchaudio._extension"] = extension

import torchaudio

__all__ = ["torchaudio"]
