"""Pretrained networks that a user provides as files, applied to windows of samples.

An ONNX file is a graph of operators that onnxruntime implements. Loading and running it runs no code from the file. An
exported program (``torch.export.save``, ``.pt2``) is a graph too. torch's reader unpickles parts of it, which is
prevented here. The reader also evaluates the expressions for the program's sizes, which cannot be prevented: use only
exported programs from sources that you trust. TorchScript files can run any code when they are loaded, so they are not
supported.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from hardneg.audio.windowing import WindowSpec
from hardneg.common import trial
from hardneg.common.errors import InputError
from hardneg.common.log import logger
from hardneg.features.feature_settings import ExportedSettings, OnnxSettings

BATCH_WINDOWS = 16
# Keys of an ONNX file's metadata that describe its windows, and the configuration's keys for the same values.
WINDOW_METADATA = {"sample_rate": "sample_rate", "sample_duration": "length_s"}

Samples = npt.NDArray[np.float32]


class PretrainedNetwork:
    """A pretrained network as an extractor of features, independent of the library that runs it.

    It maps windows to ``(n, size)`` on the CPU: the network's output for each window, flattened.

    Parameters
    ----------
    run : maps a float32 array ``(n, samples)`` to one whose first dimension is n.
    batch : the most windows that `run` accepts at once.
    samples : in a window.
    peak : see :func:`scale_to_peak`.
    """

    def __init__(self, run: Callable[[Samples], npt.NDArray[Any]], batch: int, samples: int, peak: float | None):
        self.run, self.batch, self.peak = run, batch, peak
        self._embed(np.zeros((1, samples), np.float32))  # finds problems now rather than in the first batch

    def __call__(self, windows: torch.Tensor) -> torch.Tensor:
        batches = torch.split(windows.cpu(), self.batch)
        return torch.cat([torch.from_numpy(self._embed(batch.numpy())) for batch in batches])

    def _embed(self, windows: Samples) -> npt.NDArray[np.float32]:
        outputs = self.run(scale_to_peak(np.ascontiguousarray(windows), self.peak))
        if len(outputs) != len(windows):
            raise InputError(
                f"the backbone's output for {len(windows)} windows has the shape {outputs.shape}: choose an output "
                "with one row per window (features.output)."
            )
        return outputs.reshape(len(windows), -1).astype(np.float32)


def scale_to_peak(windows: Samples, peak: float | None) -> Samples:
    """Subtract each window's mean and scale the window so that its largest sample is `peak`.

    Parameters
    ----------
    windows : float32, shape (n, samples). A constant window becomes zeros.
    peak : None leaves the windows unchanged.
    """
    if peak is None:
        return windows
    centered = windows - windows.mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
    largest = np.abs(centered).max(axis=1, keepdims=True)
    scaled: Samples = np.divide(centered * np.float32(peak), largest, out=np.zeros_like(centered), where=largest > 0)
    return scaled


def load_onnx(settings: OnnxSettings, windows: WindowSpec, device: str) -> PretrainedNetwork:
    """Load an ONNX network.

    Parameters
    ----------
    settings : the file, whose input must be float32, ``(n, samples)`` or ``(n, 1, samples)``, n free or 1; the output
        to use; and the scale of its input.
    windows : the windows that the network will receive.
    device : a torch device; see :func:`choose_onnx_device`.

    Raises
    ------
    InputError
        If the file is not such a network, or needs other windows. The size of its input, and ``sample_rate`` (Hz) and
        ``sample_duration`` (s) in its metadata, state which windows it needs. Also if it exceeds the limits of
        :mod:`hardneg.common.trial`, with which it is loaded and given one window first.
    """
    trial.require_success(partial(_open_onnx, settings, windows, "cpu"), settings.path)
    return _open_onnx(settings, windows, device)


def _open_onnx(settings: OnnxSettings, windows: WindowSpec, device: str) -> PretrainedNetwork:
    onnxruntime = _import_onnxruntime()
    path = settings.path
    options = onnxruntime.SessionOptions()
    # A process that is forked from this one would wait for threads that exist only in its parent.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    providers = ["CUDAExecutionProvider"] * (choose_onnx_device(device) != "cpu") + ["CPUExecutionProvider"]
    try:
        session = onnxruntime.InferenceSession(_resolve_file(path), options, providers=providers)
    except Exception as error:  # onnxruntime's exceptions have no common base class
        raise InputError(f"{path} is not an ONNX network that onnxruntime can run: {error}") from error
    _check_metadata(session.get_modelmeta().custom_metadata_map, windows, path)
    inputs = session.get_inputs()
    if len(inputs) != 1 or inputs[0].type != "tensor(float)":
        descriptions = ", ".join(f"{node.name} ({node.type})" for node in inputs)
        raise InputError(f"{path} has the inputs {descriptions}; a backbone takes windows of float32 samples alone.")
    batch, middle = _check_shape(inputs[0].shape, windows.length, path)
    output = _choose_output(settings.output, [node.name for node in session.get_outputs()], path)

    def run(samples: Samples) -> npt.NDArray[Any]:
        outputs = session.run([output], {inputs[0].name: samples.reshape(len(samples), *middle, windows.length)})
        return np.asarray(outputs[0])

    return PretrainedNetwork(run, batch, windows.length, settings.peak)


def choose_onnx_device(device: str) -> str:
    """Choose where an ONNX network runs: on a CPU unless onnxruntime has its CUDA provider (``onnxruntime-gpu``)."""
    if torch.device(device).type == "cpu" or "CUDAExecutionProvider" in _import_onnxruntime().get_available_providers():
        return device
    logger.warning("onnxruntime has no CUDA provider here (onnxruntime-gpu): the network runs on the CPU.")
    return "cpu"


def _import_onnxruntime() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError("features.kind onnx needs onnxruntime: pip install -e '.[onnx]'.") from error
    return onnxruntime


def load_exported(settings: ExportedSettings, windows: WindowSpec, device: str) -> PretrainedNetwork:
    """Load an exported program of torch (``torch.export.save``); parameters and errors as for :func:`load_onnx`.

    If the program returns a tuple, its outputs are called ``output_0``, ``output_1``, ... The program runs on `device`.
    It is tried first if that is the CPU.
    """
    if torch.device(device).type == "cpu":
        trial.require_success(partial(_open_exported, settings, windows, device), settings.path)
    return _open_exported(settings, windows, device)


def _open_exported(settings: ExportedSettings, windows: WindowSpec, device: str) -> PretrainedNetwork:
    path = settings.path
    try:
        with allow_only_weights():
            program = torch.export.load(_resolve_file(path))
        input_name = program.graph_signature.user_inputs[0]
        shape = next(node.meta["val"].shape for node in program.graph.nodes if node.name == input_name)
        network = move_to_device(program, device)
    except Exception as error:  # a damaged archive can cause any exception
        raise InputError(f"{path} is not an exported program (torch.export.save): {error}") from error
    batch, middle = _check_shape(list(shape), windows.length, path)
    names = [f"output_{position}" for position in range(len(program.graph_signature.user_outputs))]
    position = names.index(_choose_output(settings.output, names, path))

    def run(samples: Samples) -> npt.NDArray[Any]:
        with torch.inference_mode():
            outputs = network(torch.tensor(samples, device=device).reshape(len(samples), *middle, windows.length))
        output: torch.Tensor = outputs if isinstance(outputs, torch.Tensor) else outputs[position]
        return output.float().cpu().numpy()

    return PretrainedNetwork(run, batch, windows.length, settings.peak)


def move_to_device(program: torch.export.ExportedProgram, device: str) -> torch.nn.Module:
    """Build a program's module on a device, including the tensors that its operators create, which `to` leaves out."""
    from torch.export.passes import move_to_device_pass

    return move_to_device_pass(program, device).module()


@contextmanager
def allow_only_weights() -> Iterator[None]:
    """Let torch unpickle only tensors, and nothing that could run code, even if its own readers ask for more."""
    before = os.environ.get("TORCH_FORCE_WEIGHTS_ONLY_LOAD")
    os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"]
        else:
            os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = before


def _resolve_file(path: str) -> str:
    if not Path(path).expanduser().is_file():
        raise InputError(f"features.path: {path} does not exist.")
    return str(Path(path).expanduser())


def _check_metadata(metadata: dict[str, str], windows: WindowSpec, path: str) -> None:
    """Compare the windows that an ONNX file's metadata states, if any, with those of the configuration."""
    configured = {"sample_rate": windows.rate, "length_s": windows.length / windows.rate}
    for name, key in WINDOW_METADATA.items():
        if name in metadata and abs(float(metadata[name]) - configured[key]) > 1e-6:
            raise InputError(
                f"{path} needs {name} {metadata[name]}: set windows.{key} to this value. It is {configured[key]:g} now."
            )


def _check_shape(shape: Sequence[Any], samples: int, path: str) -> tuple[int, tuple[int, ...]]:
    """Check the shape of a network's input.

    Returns
    -------
    batch : the most windows at once.
    middle : the dimensions between windows and samples: none, or a single channel.
    """
    first, *middle, last = shape
    if middle not in ([], [1]) or (isinstance(first, int) and first != 1):
        raise InputError(
            f"{path} takes {list(shape)}; a backbone takes (n, samples) or (n, 1, samples) with n free or 1."
        )
    if isinstance(last, int) and last != samples:
        raise InputError(
            f"{path} takes {last} samples at once, but a window has {samples}: set windows.length_s and "
            "windows.sample_rate to the values that the network was trained with."
        )
    return 1 if isinstance(first, int) else BATCH_WINDOWS, tuple(middle)


def _choose_output(output: str | None, names: list[str], path: str) -> str:
    matches = [name for name in names if name == output or (output is None and "embedding" in name.lower())]
    matches = matches or (names if output is None and len(names) == 1 else [])
    if len(matches) != 1:
        raise InputError(f"{path} has the outputs {', '.join(names)}: set features.output to one of them.")
    return matches[0]
