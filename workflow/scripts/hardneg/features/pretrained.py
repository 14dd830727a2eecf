"""Pretrained networks that a user brings as files, run over windows of samples.

An ONNX file is a graph of operators that onnxruntime has itself: loading and running it runs no code of the file's. An
exported program (``torch.export.save``, ``.pt2``) is a graph too, but torch's reader unpickles parts of it, which is
prevented here, and evaluates the expressions for its sizes, which is not: only one whose maker is trusted may be given.
TorchScript, a program that does what it likes when it is loaded, is not taken.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import numpy as np
import torch

from hardneg.common.errors import InputError
from hardneg.common.log import logger

BATCH = 16
# What an ONNX file's metadata may say of the windows that it is for.
METADATA = {"sample_rate": "sample_rate", "sample_duration": "length_s"}


class WindowNetwork:
    """A network on windows of samples, whatever runs it.

    Parameters
    ----------
    run : maps a float32 array ``(n, samples)`` to one whose first dimension is n.
    batch : the most windows that it takes at once.
    samples : in a window.
    peak : see :func:`scale_to_peak`.

    It gives ``(n, numbers)``, on the CPU: what the network gives for each window, flattened.
    """

    def __init__(self, run: Callable[[np.ndarray], np.ndarray], batch: int, samples: int, peak: float | None):
        self.run, self.batch, self.peak = run, batch, peak
        self._numbers(np.zeros((1, samples), np.float32))  # finds out now what does not fit

    def __call__(self, windows: torch.Tensor) -> torch.Tensor:
        parts = windows.cpu().split(self.batch)
        return torch.cat([torch.from_numpy(self._numbers(some.numpy())) for some in parts])

    def _numbers(self, windows: np.ndarray) -> np.ndarray:
        values = self.run(scale_to_peak(np.ascontiguousarray(windows), self.peak))
        if len(values) != len(windows):
            raise InputError(
                f"the backbone gave an output of shape {values.shape} for {len(windows)} windows: choose an output "
                "with one row per window (features.output)."
            )
        return values.reshape(len(windows), -1).astype(np.float32)


def scale_to_peak(windows: np.ndarray, peak: float | None) -> np.ndarray:
    """Take each window's mean away and scale it so that its largest sample is `peak`; None leaves it as it is.

    Parameters
    ----------
    windows : float32, shape (n, samples); a constant window becomes zeros.
    """
    if peak is None:
        return windows
    centred = windows - windows.mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
    largest = np.abs(centred).max(axis=1, keepdims=True)
    return np.divide(centred * np.float32(peak), largest, out=np.zeros_like(centred), where=largest > 0)


def onnx(
    rate: int, samples: int, device: str, path: str, output: str | None = None, peak: float | None = None
) -> WindowNetwork:
    """Load an ONNX network.

    Parameters
    ----------
    rate, samples : what it will be given: Hz, and samples in a window.
    device : where :func:`onnx_device` says that it runs.
    path : the file. Its input is float32, ``(n, samples)`` or ``(n, 1, samples)``, n free or 1.
    output : name of the output to take; None for the one whose name holds "embedding", or the only one.
    peak : see :func:`scale_to_peak`.

    Raises
    ------
    InputError
        If the file is no such network, or is one for other windows: by the size of its input, or by ``sample_rate``
        (Hz) and ``sample_duration`` (s) in its metadata.
    """
    onnxruntime = _onnxruntime()
    options = onnxruntime.SessionOptions()
    # A process that is forked from this one would wait for threads of its parent.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    providers = ["CUDAExecutionProvider"] * (onnx_device(device) != "cpu") + ["CPUExecutionProvider"]
    try:
        session = onnxruntime.InferenceSession(_existing(path), options, providers=providers)
    except Exception as error:  # its own exceptions have no base but this
        raise InputError(f"{path} is not an ONNX network that onnxruntime can run: {error}") from error
    stated, given = session.get_modelmeta().custom_metadata_map, {"sample_rate": rate, "length_s": samples / rate}
    for name, key in METADATA.items():
        if name in stated and abs(float(stated[name]) - given[key]) > 1e-6:
            raise InputError(f"{path} says {name} {stated[name]}: set windows.{key} to it, not to {given[key]:g}.")
    inputs = session.get_inputs()
    if len(inputs) != 1 or inputs[0].type != "tensor(float)":
        listed = ", ".join(f"{found.name} ({found.type})" for found in inputs)
        raise InputError(f"{path} takes {listed}; a backbone takes windows of float32 samples alone.")
    batch, middle = _check_shape(inputs[0].shape, samples, path)
    chosen = _choose(output, [found.name for found in session.get_outputs()], path)

    def run(windows: np.ndarray) -> np.ndarray:
        return session.run([chosen], {inputs[0].name: windows.reshape(len(windows), *middle, samples)})[0]

    return WindowNetwork(run, batch, samples, peak)


def onnx_device(device: str) -> str:
    """Where an ONNX network runs: on a CPU unless onnxruntime has its CUDA provider (``onnxruntime-gpu``)."""
    if torch.device(device).type == "cpu" or "CUDAExecutionProvider" in _onnxruntime().get_available_providers():
        return device
    logger.warning("onnxruntime has no CUDA provider here (onnxruntime-gpu): the network runs on the CPU.")
    return "cpu"


def _onnxruntime() -> ModuleType:
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError("features.kind onnx needs onnxruntime: pip install -e '.[onnx]'.") from error
    return onnxruntime


def exported(
    rate: int, samples: int, device: str, path: str, output: str | None = None, peak: float | None = None
) -> WindowNetwork:
    """Load an exported program of torch (``torch.export.save``); parameters and errors as of :func:`onnx`.

    Its outputs are named by the program, in a tuple ``output_0``, ``output_1``, ...; it runs on `device`.
    """
    try:
        with weights_only():
            program = torch.export.load(_existing(path))
        heard = program.graph_signature.user_inputs[0]
        expected = next(node.meta["val"].shape for node in program.graph.nodes if node.name == heard)
        network = on_device(program, device)
    except Exception as error:  # whatever a damaged archive leads to
        raise InputError(f"{path} is not an exported program (torch.export.save): {error}") from error
    batch, middle = _check_shape(list(expected), samples, path)
    names = [f"output_{place}" for place in range(len(program.graph_signature.user_outputs))]
    place = names.index(_choose(output, names, path))

    def run(windows: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            found = network(torch.tensor(windows, device=device).reshape(len(windows), *middle, samples))
        return (found if isinstance(found, torch.Tensor) else found[place]).float().cpu().numpy()

    return WindowNetwork(run, batch, samples, peak)


def on_device(program: torch.export.ExportedProgram, device: str) -> torch.nn.Module:
    """Make a program's module on a device: its weights, and what its operators make there, which `to` leaves out."""
    from torch.export.passes import move_to_device_pass

    return move_to_device_pass(program, device).module()


@contextmanager
def weights_only() -> Iterator[None]:
    """Let torch unpickle tensors alone, nothing that could run code, whatever its own readers ask for."""
    before = os.environ.get("TORCH_FORCE_WEIGHTS_ONLY_LOAD")
    os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"]
        else:
            os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = before


def _existing(path: str) -> str:
    if not Path(path).expanduser().is_file():
        raise InputError(f"features.path: {path} does not exist.")
    return str(Path(path).expanduser())


def _check_shape(shape: list, samples: int, path: str) -> tuple[int, tuple[int, ...]]:
    """The most windows at once, and the dimensions between windows and samples (none or a single channel)."""
    first, *middle, last = shape
    if middle not in ([], [1]) or (isinstance(first, int) and first != 1):
        raise InputError(f"{path} takes {shape}; a backbone takes (n, samples) or (n, 1, samples) with n free or 1.")
    if isinstance(last, int) and last != samples:
        raise InputError(
            f"{path} hears {last} samples at once and windows hold {samples}: set windows.length_s and "
            "windows.sample_rate to the network's own."
        )
    return 1 if isinstance(first, int) else BATCH, tuple(middle)


def _choose(output: str | None, names: list[str], path: str) -> str:
    fitting = [name for name in names if name == output or (output is None and "embedding" in name.lower())]
    fitting = fitting or (names if output is None and len(names) == 1 else [])
    if len(fitting) != 1:
        raise InputError(f"{path} has the outputs {', '.join(names)}: name one of them as features.output.")
    return fitting[0]
