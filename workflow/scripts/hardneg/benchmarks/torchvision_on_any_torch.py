"""Import torchvision with a CPU build of torch as well as with a CUDA build.

The registry's torchvision is a CUDA build, whose operators are missing beside a CPU build of torch. It still declares
the shapes of their results, which torch refuses. The benchmarks use none of these operators, so this module skips the
declarations.
"""

import sys

import torch

if torch.version.cuda is None and "torchvision" not in sys.modules:
    register = torch.library.register_fake
    torch.library.register_fake = lambda *_, **__: lambda function: function
    try:
        import torchvision
    finally:
        torch.library.register_fake = register
else:
    import torchvision

__all__ = ["torchvision"]
